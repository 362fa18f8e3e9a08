#include "cli/results/result_folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "cli/output/pieces.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr mode_t kFolderMode = 0777;  // less what umask takes
constexpr mode_t kFileMode = 0666;

Descriptor open_root(const std::string& root) {
  if (::mkdir(root.c_str(), kFolderMode) < 0 && errno != EEXIST)
    throw SystemError("make the folder of results '" + root + "'", errno);
  Descriptor folder(::open(root.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
  if (folder.get() < 0) throw SystemError("open the folder of results '" + root + "'", errno);
  return folder;
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

ResultFolders::ResultFolders(const std::string& root, std::vector<std::string> column_names)
    : root_path_(root), root_(open_root(root)), paths_(std::move(column_names)) {}

void ResultFolders::add(const JobResult& result) {
  const Descriptor folder = folder_of(result.input);
  ::unlinkat(folder.get(), "seq", 0);
  write_file(folder, "stdout", result.output);
  write_file(folder, "stderr", result.error_output);
  write_file(folder, "seq", Payload::copy_of(std::to_string(result.input.number)));
}

Descriptor ResultFolders::folder_of(const Input& input) {
  Descriptor folder(::fcntl(root_.get(), F_DUPFD_CLOEXEC, 3));
  for (const std::string& name : paths_.path_of(input)) {
    if (::mkdirat(folder.get(), name.c_str(), kFolderMode) < 0 && errno != EEXIST)
      throw SystemError("make the folder '" + name + "' for results in '" + root_path_ + "'", errno);
    folder = Descriptor(::openat(folder.get(), name.c_str(), O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC));
    if (folder.get() < 0)
      throw SystemError("open the folder '" + name + "' for results in '" + root_path_ + "'", errno);
  }
  return folder;
}

void ResultFolders::write_file(const Descriptor& folder, const char* name, const Payload& content) const {
  const auto refuse = [&] {
    throw SystemError("write '" + std::string(name) + "' of results in '" + root_path_ + "'", errno);
  };
  const Descriptor file(::openat(folder.get(), name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (file.get() < 0) refuse();
  for_each_piece(content, [&](std::string_view piece) {
    if (!write_all(file.get(), piece)) refuse();
  });
}

}  // namespace prong::cli
