// Processes that borrow this one's memory: what lies between a process and a copy of it, as the parent of that copy,
// needs no copy of its own.
//
//   process ──vfork──> A ──fork──> copy of the process
//   (sleeps)       exec, or ends
//
// A process that borrows runs on the stack of the thread that started it, below its frames, and has that thread's
// storage. What it allocates or changes in memory is the thread's; descriptors, signals, and all else that the kernel
// keeps for a process, are its own. All signals are blocked in it: a handler would run in memory that is not its own. A
// borrower does not lend what it has borrowed: if it were killed, its lender would wake beside the next one.
//
// If it is killed while it forks, locks that fork() holds (of malloc, where there are threads) stay held.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace prong::os {

/// Blocks all signals of this thread for as long as it lives, those included that glibc keeps for itself.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept;
  ~SignalsBlocked() { restore(); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  /// As they were before. For a copy of the process, which has a copy of this object.
  void restore() const noexcept;

 private:
  std::uint64_t before_ = 0;
};

/// Starts a process that borrows this one's memory and runs `child`, which execs or ends; until then the
/// calling thread sleeps. One that returns, or throws, ends with status 127. Requires SignalsBlocked. Returns its pid,
/// or -1 and errno.
pid_t vfork_into(const std::function<void()>& child) noexcept;

/// fork() by a process that borrows: 0 in the copy of the process whose memory it is, else as fork(). The copy goes on
/// with all signals blocked.
pid_t fork_borrowed() noexcept;

}  // namespace prong::os
