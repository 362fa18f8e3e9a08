#include "cli/output/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "cli/exit_status.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr std::size_t kGathered = 32 * 1024;

void wait_until_writable(int fd) {
  pollfd watched{fd, POLLOUT, 0};
  ::poll(&watched, 1, -1);
}

}  // namespace

// What was put into the other stream before is written before, so that both are in order where they meet (a terminal).
void Output::put(Stream& stream, Stream& other, std::string_view text) {
  if (text.empty()) return;
  flush(other);
  if (stream.pending.size() + text.size() <= kGathered) {
    stream.pending += text;
    return;
  }
  flush(stream);
  write_all(stream, text);
}

void Output::flush() {
  flush(out_);
  flush(error_);
}

void Output::flush(Stream& stream) {
  if (!stream.pending.empty()) write_all(stream, std::exchange(stream.pending, {}));
}

void Output::write_all(const Stream& stream, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(stream.fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      wait_until_writable(stream.fd);
    } else if (errno == EINTR) {
      if (give_up_()) return;
    } else if (&stream == &error_) {
      return;  // nobody to tell
    } else if (errno == EPIPE) {
      throw OutputClosed();
    } else {
      throw SystemError("write to standard output", errno);
    }
  }
}

}  // namespace prong::cli
