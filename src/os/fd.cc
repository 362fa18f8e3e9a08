#include "os/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/check.h"

namespace prong::os {

void Fd::reset() noexcept {
  if (number_ < 0) return;
  const int kept = errno;
  // Never tried again: Linux has given the number away even when close() is interrupted.
  ::close(std::exchange(number_, -1));
  errno = kept;
}

Fd Fd::duplicate() const {
  return os::duplicate(number_);
}

Fd duplicate(int fd) {
  return Fd(check(::fcntl(fd, F_DUPFD_CLOEXEC, 3), "duplicate descriptor ", fd));
}

FileIdentity identity_of(int fd) noexcept {
  struct stat found = {};
  if (::fstat(fd, &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_mode | 1U << 31U};
}

void close_on_exec(int fd, bool close) noexcept {
  if (fd >= 0) ::fcntl(fd, F_SETFD, close ? FD_CLOEXEC : 0);
}

}  // namespace prong::os
