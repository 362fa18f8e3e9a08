#include "os/vfork.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

#include "os/check.h"

// Of glibc from 2.35 on, whatever the headers here know of it.
extern "C" {
extern const std::ptrdiff_t __rseq_offset __attribute__((weak));  // NOLINT
extern const unsigned __rseq_size __attribute__((weak));          // NOLINT
}

namespace prong::os {
namespace {

constexpr std::size_t kKernelSetSize = 8;  // of the kernel's sigset_t

/// For the kernel a process that borrows memory has no rseq area, and so its copy has none. But glibc, which believes
/// that its own is registered, would read there for ever on which CPU the program's thread was (sched_getcpu()).
void register_rseq() noexcept {
#if defined(__x86_64__) || defined(__aarch64__)
#ifdef __x86_64__
  constexpr unsigned kSignature = 0x53053053;  // what glibc registers with
#else
  constexpr unsigned kSignature = 0xd428bc00;
#endif
  constexpr unsigned kSize = 32;
  if (&__rseq_size == nullptr || __rseq_size == 0) return;  // nobody reads it
  char* const area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  ::syscall(SYS_rseq, area, kSize, 0, kSignature);
#endif
}

}  // namespace

SignalsBlocked::SignalsBlocked() noexcept {
  const std::uint64_t all = ~std::uint64_t{0};
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, kKernelSetSize);
}

void SignalsBlocked::restore() const noexcept {
  const int error = errno;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kKernelSetSize);
  errno = error;
}

// Never inlined: the frames that the child writes to must all be below this one.
[[gnu::noinline]] pid_t vfork_into(const std::function<void()>& child) noexcept {
  pid_t pid = ::vfork();
  if (pid < 0 && is_refused(errno)) pid = ::fork();  // takes longer, and that is all
  if (pid != 0) return pid;
  try {
    child();
  } catch (...) {
  }
  ::_exit(127);
}

pid_t fork_borrowed() noexcept {
  const pid_t pid = ::fork();
  if (pid == 0) register_rseq();
  return pid;
}

}  // namespace prong::os
