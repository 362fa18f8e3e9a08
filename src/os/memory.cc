#include "os/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <exception>
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

// Of an entry in /proc/self/pagemap, one for each page.
constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwapped = std::uint64_t{1} << 62;
constexpr std::uint64_t kOfFile = std::uint64_t{1} << 61;  ///< or of shared memory: nobody has written to it privately

bool is_private(std::uint64_t entry) noexcept {
  return (entry & (kPresent | kSwapped)) != 0 && (entry & kOfFile) == 0;
}

std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

/// What the kernel says of pages of this process. False: nothing.
bool read_pagemap(const Fd& pagemap, const std::byte* from, std::span<std::uint64_t> entries) {
  const std::uint64_t first = reinterpret_cast<std::uintptr_t>(from) / page_size();
  return read_at(pagemap.get(), first * sizeof entries[0], std::as_writable_bytes(entries));
}

/// Whether what is read there is true: a page of shared memory and a page of its own.
bool tells_pages_apart(const Fd& pagemap) {
  const Fd fd = create_memfd("prong-probe", 2 * page_size());
  const Mapping mapping(fd.get(), 2 * page_size(), Mapping::Mode::kCopyOnWrite);
  volatile std::byte* bytes = mapping.data();
  static_cast<void>(bytes[0]);
  bytes[page_size()] = std::byte{1};
  std::array<std::uint64_t, 2> entries{};
  return read_pagemap(pagemap, mapping.data(), entries) && (entries[0] & kOfFile) != 0 && !is_private(entries[0]) &&
         is_private(entries[1]);
}

/// Opened for each use: it shows the process that has opened it, which may have forked since.
Fd open_pagemap() {
  enum class Trust : std::uint8_t { kUnknown, kTrue, kFalse };
  // Threads may find it out twice. None waits for another: in a child that is forked meanwhile there is no other.
  static constinit std::atomic<Trust> trust = Trust::kUnknown;
  Fd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap) return pagemap;
  if (trust == Trust::kUnknown) trust = tells_pages_apart(pagemap) ? Trust::kTrue : Trust::kFalse;
  return trust == Trust::kTrue ? std::move(pagemap) : Fd();
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

std::size_t read_some_at(int fd, std::uint64_t offset, std::span<std::byte> into) {
  const ssize_t size =
      retry([&]() noexcept { return ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset)); });
  return static_cast<std::size_t>(check(size, "read ", into.size(), " bytes at ", offset, " of descriptor ", fd));
}

Mapping::Mapping(int fd, std::size_t size, Mode mode, bool inherit_on_fork) {
  if (size == 0) return;
  const int flags = mode == Mode::kShared ? MAP_SHARED : MAP_PRIVATE;
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (address == MAP_FAILED) fail(errno, "map ", size, " bytes of shared memory");
  data_ = static_cast<std::byte*>(address);
  size_ = size;
  if (inherit_on_fork) return;
  // Without it a child that a job forks could go on using its parent's channel.
  ::madvise(address, size, MADV_DONTFORK);
  owner_ = ::getpid();
}

bool Mapping::is_here() const noexcept {
  return owner_ == 0 || owner_ == ::getpid();
}

void Mapping::populate(std::size_t size) const noexcept {
  // Since Linux 5.14. Pages of shared memory that are mapped for reading are writable at once, and the kernel maps 16
  // of them for each fault; MADV_POPULATE_WRITE takes a fault for each page, which is more than a copy.
  ::madvise(data_, size, MADV_POPULATE_READ);
}

bool Mapping::set_aside() noexcept {
  if (size_ == 0) return true;
  if (!forget_writes() || ::madvise(data_, size_, MADV_DONTFORK) != 0) return false;
  owner_ = ::getpid();
  return true;
}

bool Mapping::take_up() noexcept {
  if (!is_here()) return false;
  // Nothing is dropped of locked memory, and so the kernel says whether this is.
  if (::madvise(data_, std::min(size_, page_size()), MADV_DONTNEED) != 0) return false;
  if (::madvise(data_, size_, MADV_DOFORK) != 0) return false;
  owner_ = 0;
  return true;
}

/// Of each 512 pages it drops those between the first and the last that was written: to have some more mapped again, 16
/// for each fault, is less than a system call for each.
bool Mapping::forget_writes() const noexcept {
  try {
    const Fd pagemap = open_pagemap();
    if (!pagemap) return false;
    std::array<std::uint64_t, 512> entries;
    const std::size_t pages = (size_ + page_size() - 1) / page_size();
    for (std::size_t first = 0; first < pages; first += entries.size()) {
      const std::span<std::uint64_t> some = std::span(entries).first(std::min(entries.size(), pages - first));
      std::byte* from = data_ + first * page_size();
      if (!read_pagemap(pagemap, from, some)) return false;
      const auto begin = std::find_if(some.begin(), some.end(), is_private);
      if (begin == some.end()) continue;
      const auto end = std::find_if(some.rbegin(), some.rend(), is_private).base();
      const auto skipped = static_cast<std::size_t>(begin - some.begin());
      const auto dropped = static_cast<std::size_t>(end - begin);
      if (::madvise(from + skipped * page_size(), dropped * page_size(), MADV_DONTNEED) != 0) return false;
    }
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void copy_parts(const Mapping& mapping, std::span<const std::span<const std::byte>> parts) noexcept {
  std::byte* to = mapping.data();
  for (const auto& part : parts) {
    if (!part.empty()) std::memcpy(to, part.data(), part.size());
    to += part.size();
  }
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      owner_(std::exchange(other.owner_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(owner_, other.owner_);
  return *this;
}

Mapping::~Mapping() {
  if (data_ != nullptr && is_here()) ::munmap(data_, size_);
}

}  // namespace prong::os
