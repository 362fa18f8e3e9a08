#include "os/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "os/check.h"
#include "os/remainder.h"

namespace prong::os {
namespace {

#ifndef MFD_NOEXEC_SEAL
constexpr unsigned MFD_NOEXEC_SEAL = 0x0008U;
#endif
#ifndef MADV_POPULATE_READ
constexpr int MADV_POPULATE_READ = 22;
#endif

int open_memfd(const char* name) noexcept {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int fd = ::memfd_create(name, kFlags | MFD_NOEXEC_SEAL);
  // Before Linux 6.3 the flag is unknown; without it, newer kernels may warn in their log.
  return fd == -1 && errno == EINVAL ? ::memfd_create(name, kFlags) : fd;
}

/// Beyond RLIMIT_FSIZE the kernel would send SIGXFSZ, which ends the program.
void check_file_limit(std::size_t size) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY && size > limit.rlim_cur) {
    fail(EFBIG, "make a shared-memory segment of ", size, " bytes under a file size limit of ", limit.rlim_cur);
  }
}

std::size_t total_size(std::span<const std::span<const std::byte>> parts) noexcept {
  std::size_t total = 0;
  for (const auto& part : parts) total += part.size();
  return total;
}

}  // namespace

Fd create_memfd(const char* name, std::size_t size) {
  check_file_limit(size);
  Fd fd(check(open_memfd(name), "create shared memory '", name, "'"));
  if (size == 0) return fd;
  check(::ftruncate(fd.get(), static_cast<off_t>(size)), "size shared memory '", name, "' to ", size, " bytes");
  check(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "seal shared memory '", name, "'");
  return fd;
}

Fd create_unnamed_file(const std::string& folder, std::size_t size) {
  check_file_limit(size);
  Fd fd(check(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), "create a file in '", folder, "'"));
  check(::ftruncate(fd.get(), static_cast<off_t>(size)), "make a file of ", size, " bytes in '", folder, "'");
  return fd;
}

void write_parts(const Fd& fd, std::span<const std::span<const std::byte>> parts) {
  check_file_limit(total_size(parts));
  Remainder rest(parts);
  std::array<iovec, 64> window;
  std::size_t offset = 0;
  while (!rest.empty()) {
    const int count = rest.fill(window);
    // One call writes at most 2 GiB less a page, and may write less than it was given.
    const ssize_t written =
        retry([&]() noexcept { return ::pwritev(fd.get(), window.data(), count, static_cast<off_t>(offset)); });
    check(written, "write ", total_size(parts), " bytes to shared memory");
    if (written == 0) fail(ENOSPC, "write ", total_size(parts), " bytes to shared memory");
    rest.advance(static_cast<std::size_t>(written));
    offset += static_cast<std::size_t>(written);
  }
}

void overwrite_parts(const Fd& fd, std::span<const std::span<const std::byte>> parts) {
  const std::size_t size = total_size(parts);
  const Mapping mapping(fd.get(), size, Mapping::Mode::kShared);
  // Since Linux 5.14. Pages of shared memory that are mapped for reading are writable at once, and the kernel maps 16 of
  // them for each fault; MADV_POPULATE_WRITE takes a fault for each page, which is more than the copy itself.
  ::madvise(mapping.data(), size, MADV_POPULATE_READ);
  std::byte* to = mapping.data();
  for (const auto& part : parts) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
}

std::size_t file_size(int fd) {
  struct stat status {};
  check(::fstat(fd, &status), "look at descriptor ", fd);
  return static_cast<std::size_t>(status.st_size);
}

bool read_at(int fd, std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t size =
        retry([&]() noexcept { return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)); });
    if (check(size, "read ", into.size(), " bytes at ", offset, " of descriptor ", fd) == 0) return false;
    into = into.subspan(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
  return true;
}

Mapping::Mapping(int fd, std::size_t size, Mode mode, bool inherit_on_fork) {
  if (size == 0) return;
  const int flags = mode == Mode::kShared ? MAP_SHARED : MAP_PRIVATE;
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) fail(errno, "map ", size, " bytes of shared memory");
  data_ = static_cast<std::byte*>(address);
  size_ = size;
  // Without it a child that a job forks could go on using its parent's channel.
  if (!inherit_on_fork) ::madvise(address, size, MADV_DONTFORK);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

}  // namespace prong::os
