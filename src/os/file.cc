#include "os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>

#include "os/check.h"

namespace prong::os {
namespace {

constexpr ::mode_t kForTheUser = 0600;
constexpr ::mode_t kFolderForTheUser = 0700;

// Behind everything that a program could mean: SQLite has locks of its own in the file's second gigabyte.
constexpr ::off_t kLockedByte = ::off_t{1} << 62U;

std::string folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

void write_all(int file, ByteSpan bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written =
        check(retry([&] { return ::write(file, bytes.data(), bytes.size()); }), "write '", path, "'");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  check(::fsync(file), "write '", path, "' to the disk");
}

// So that the name is on the disk, too.
void write_folder(const std::string& path) {
  const std::string folder = folder_of(path);
  const Fd opened(check(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open '", folder, "'"));
  check(::fsync(opened.get()), "write the folder '", folder, "' to the disk");
}

// A name for what open() has not given one. Of the two ways the first needs a capability.
int give_name(int file, const std::string& path) {
  const std::string self = "/proc/self/fd/" + std::to_string(file);
  return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW);
}

// Where files without names cannot be made: one of another name, which a process that is killed leaves behind.
bool create_by_another_name(const std::string& path, ByteSpan bytes) {
  const std::string other = path + ".new-" + std::to_string(::getpid());
  const Fd file(check(::open(other.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kForTheUser),
                      "create '", other, "'"));
  write_all(file.get(), bytes, other);
  const int linked = ::link(other.c_str(), path.c_str());
  const int error = errno;
  ::unlink(other.c_str());
  if (linked == 0) return true;
  if (error == EEXIST) return false;
  fail(error, "create '", path, "'");
}

bool create_unlisted(const std::string& path, ByteSpan bytes) {
  const std::string folder = folder_of(path);
  const Fd file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kForTheUser));
  if (!file) {
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL) return create_by_another_name(path, bytes);
    fail(errno, "create '", path, "'");
  }
  write_all(file.get(), bytes, path);
  if (give_name(file.get(), path) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno == ENOENT || errno == EPERM) return create_by_another_name(path, bytes);  // no /proc
  fail(errno, "create '", path, "'");
}

}  // namespace

bool create_file(const std::string& path, ByteSpan bytes) {
  const bool created = create_unlisted(path, bytes);
  if (created) write_folder(path);
  return created;
}

void create_folders(const std::string& path) {
  if (path.empty() || ::access(path.c_str(), F_OK) == 0) return;
  create_folders(std::filesystem::path(path).parent_path().string());
  if (::mkdir(path.c_str(), kFolderForTheUser) != 0 && errno != EEXIST) fail(errno, "create the folder '", path, "'");
}

std::optional<FileLock> FileLock::try_lock(const std::string& path) {
  Fd file(check(::open(path.c_str(), O_RDWR | O_CLOEXEC), "open '", path, "'"));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = kLockedByte, .l_len = 1, .l_pid = 0};
  if (::fcntl(file.get(), F_OFD_SETLK, &lock) == 0) return FileLock(std::move(file));
  if (errno == EAGAIN || errno == EACCES) return std::nullopt;
  fail(errno, "lock '", path, "'");
}

bool read_file(const std::string& path, const std::function<void(ByteSpan)>& take) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return false;
  check(file.get(), "open '", path, "'");
  std::array<std::byte, 65536> bytes{};
  for (;;) {
    const ssize_t size =
        check(retry([&] { return ::read(file.get(), bytes.data(), bytes.size()); }), "read '", path, "'");
    if (size == 0) return true;
    take(std::span(bytes).first(static_cast<std::size_t>(size)));
  }
}

std::optional<std::uint64_t> size_of_file(const std::string& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) == 0) return static_cast<std::uint64_t>(found.st_size);
  if (errno == ENOENT) return std::nullopt;
  fail(errno, "look at '", path, "'");
}

}  // namespace prong::os
