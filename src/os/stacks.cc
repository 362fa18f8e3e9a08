#include "os/stacks.h"

#include <execinfo.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "os/poller.h"

namespace prong::os {
namespace {

constexpr int kMostFrames = 100;
constexpr std::string_view kTitle = "Native frames of the main thread (most recent call first):\n";

int stacks_file = -1;
int stacks_doorbell = -1;

void put(std::string_view text) noexcept {
  (void)!::write(stacks_file, text.data(), text.size());
}

void write_stacks(int) {
  const int error = errno;
  std::array<void*, kMostFrames> frames;
  put(kTitle);
  ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), kMostFrames), stacks_file);
  put(kEndOfStacks);
  ring(stacks_doorbell);
  errno = error;
}

}  // namespace

int stack_signal() noexcept {
  return SIGRTMAX - 5;
}

void report_stacks(int file, int doorbell) noexcept {
  stacks_file = file;
  stacks_doorbell = doorbell;
  // The first call loads the unwinder, which is no work for a signal handler.
  std::array<void*, 1> frame;
  ::backtrace(frame.data(), 1);
  struct sigaction action = {};
  action.sa_handler = write_stacks;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(stack_signal(), &action, nullptr);
  sigset_t mask;
  ::sigemptyset(&mask);
  ::sigaddset(&mask, stack_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
}

}  // namespace prong::os
