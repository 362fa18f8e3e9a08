#include "signals.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>

namespace prong::python {

SignalsBlocked::SignalsBlocked() noexcept {
  sigset_t blocked;
  sigfillset(&blocked);
  for (const int crash : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) sigdelset(&blocked, crash);
  pthread_sigmask(SIG_BLOCK, &blocked, &previous_);
}

SignalsBlocked::~SignalsBlocked() {
  pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
}

bool on_main_thread() noexcept {
  return syscall(SYS_gettid) == getpid();
}

}  // namespace prong::python
