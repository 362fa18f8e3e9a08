#include "cli/system/descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "prong/error.h"

namespace prong::cli {

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

std::size_t read_some(int fd, std::span<char> buffer) {
  for (;;) {
    const ssize_t size = ::read(fd, buffer.data(), buffer.size());
    if (size >= 0) return static_cast<std::size_t>(size);
    if (errno != EINTR) throw SystemError("read inputs", errno);
  }
}

void keep_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(number, F_GETFD) < 0) static_cast<void>(::open("/dev/null", O_RDONLY));  // the lowest free number
}

}  // namespace prong::cli
