// Signal dispositions and masks. Launcher and command workers: they have one thread and own all their signals.
#pragma once

#include <csignal>
#include <initializer_list>

#include "os/fd.h"

namespace prong::os {

/// All dispositions to default.
void reset_dispositions() noexcept;
/// In this thread. Blocked signals stay pending, and are not lost, also while they are ignored.
void block_signals(std::initializer_list<int> signals) noexcept;
/// These, and no others.
void block_only(std::initializer_list<int> signals) noexcept;
/// Those that came while they were blocked have not come. All dispositions are default afterwards.
void forget_pending_signals() noexcept;
void ignore_signals(std::initializer_list<int> signals) noexcept;

/// What this process does at a signal, to be put back after a change.
class SavedDisposition {
 public:
  explicit SavedDisposition(int signal) noexcept;
  void restore() const noexcept;

 private:
  int signal_;
  struct sigaction saved_ = {};
};

/// Calls `handler` in signal context; interrupted calls are not restarted.
void handle_signal(int signal, void (*handler)(int, siginfo_t*, void*)) noexcept;
/// Ends this process by `signal` with its default effect.
[[noreturn]] void die_by_signal(int signal) noexcept;

/// Blocks SIGCHLD, with its default disposition, and returns a non-blocking descriptor that is readable when one is
/// pending. Throws SystemError.
Fd create_child_signal_fd();
/// Takes what is pending.
void drain_signals(int signal_fd) noexcept;

}  // namespace prong::os
