// SignalsBlocked: no signal is handled by this thread while it lives, except inside a wait that is given `previous()`.
// Closes the gap between "no signal has come" and falling asleep. Signals that mean a crash are left alone.
#pragma once

#include <csignal>

namespace prong::python {

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept;
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  const sigset_t& previous() const noexcept { return previous_; }

 private:
  sigset_t previous_{};
};

/// True on the thread that runs Python's signal handlers.
bool on_main_thread() noexcept;

}  // namespace prong::python
