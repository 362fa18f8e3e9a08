#include "os/signals.h"

#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "os/check.h"

namespace prong::os {

void reset_dispositions() noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
}

void block_signals(std::initializer_list<int> signals) noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void block_only(std::initializer_list<int> signals) noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  ::pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

void forget_pending_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_IGN);  // the kernel drops what is pending
  reset_dispositions();
}

void ignore_signals(std::initializer_list<int> signals) noexcept {
  for (const int number : signals) ::signal(number, SIG_IGN);
}

SavedDisposition::SavedDisposition(int signal) noexcept : signal_(signal) {
  ::sigaction(signal, nullptr, &saved_);
}

void SavedDisposition::restore() const noexcept {
  ::sigaction(signal_, &saved_, nullptr);
}

void handle_signal(int signal, void (*handler)(int, siginfo_t*, void*)) noexcept {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(signal, &action, nullptr);
}

void die_by_signal(int signal) noexcept {
  ::signal(signal, SIG_DFL);
  sigset_t just_this;
  sigemptyset(&just_this);
  sigaddset(&just_this, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &just_this, nullptr);
  ::kill(::getpid(), signal);
  ::_exit(128 + signal);
}

Fd create_child_signal_fd() {
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &child, nullptr);
  return Fd(check(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK), "create a signalfd"));
}

void drain_signals(int signal_fd) noexcept {
  std::array<signalfd_siginfo, 16> taken;
  while (retry([&] { return ::read(signal_fd, taken.data(), sizeof taken); }) > 0) {
  }
}

}  // namespace prong::os
