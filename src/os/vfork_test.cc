#include "os/vfork.h"

#include <gtest/gtest.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace prong::os {
namespace {

int status_of(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

pid_t run(const std::function<void()>& child) {
  const SignalsBlocked blocked;
  return vfork_into(child);
}

TEST(Vfork, TheCallerSleepsUntilTheChildHasEnded) {
  pid_t seen = 0;
  const pid_t pid = run([&] {
    seen = ::getpid();
    ::_exit(7);
  });
  EXPECT_EQ(status_of(pid), 7);
#ifndef __SANITIZE_THREAD__  // which makes it a fork
  EXPECT_EQ(seen, pid) << "the child has the caller's memory";
#endif
}

TEST(Vfork, AChildThatReturnsOrThrowsEnds) {
  EXPECT_EQ(status_of(run([] {})), 127);
  EXPECT_EQ(status_of(run([] { throw std::runtime_error("no"); })), 127);
}

TEST(Vfork, ACopyIsOfTheProcessThatSleeps) {
  int value = 1;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t pid = run([&] {
    const pid_t copy = fork_borrowed();
    if (copy == 0) {
      const char seen = static_cast<char>(value);
      value = 2;
      ::_exit(::write(ends[1], &seen, 1) == 1 && ::getppid() != 1 ? 0 : 1);
    }
    ::_exit(status_of(copy));
  });
  EXPECT_EQ(status_of(pid), 0);
  char seen = 0;
  EXPECT_EQ(::read(ends[0], &seen, 1), 1);
  EXPECT_EQ(seen, 1);
  EXPECT_EQ(value, 1);
  for (const int end : ends) ::close(end);
}

TEST(Vfork, SignalsAreBlockedUntilTheyAreRestored) {
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const SignalsBlocked blocked;
  const pid_t pid = vfork_into([&] {
    const pid_t copy = fork_borrowed();
    if (copy > 0) ::_exit(status_of(copy));
    sigset_t in_copy;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &in_copy);
    if (::sigismember(&in_copy, SIGTERM) != 1) ::_exit(1);
    blocked.restore();
    ::pthread_sigmask(SIG_BLOCK, nullptr, &in_copy);
    ::_exit(::sigismember(&in_copy, SIGTERM) == ::sigismember(&before, SIGTERM) ? 0 : 2);
  });
  EXPECT_EQ(status_of(pid), 0);
}

// 0: both say the same on each CPU of this process.
int compare_cpus(const cpu_set_t& usable) {
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &usable)) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    unsigned said = 0;
    if (::sched_setaffinity(0, sizeof one, &one) != 0 || ::syscall(SYS_getcpu, &said, nullptr, nullptr) != 0) return 2;
    if (::sched_getcpu() != static_cast<int>(said)) return 1;
  }
  return 0;
}

TEST(Vfork, ACopyKnowsOnWhichCpuItIs) {
  cpu_set_t usable;
  ASSERT_EQ(::sched_getaffinity(0, sizeof usable, &usable), 0);
  if (CPU_COUNT(&usable) < 2) GTEST_SKIP() << "needs two CPUs";
  const pid_t pid = run([&] {
    const pid_t copy = fork_borrowed();
    if (copy == 0) ::_exit(compare_cpus(usable));
    ::_exit(status_of(copy));
  });
  EXPECT_EQ(status_of(pid), 0);
}

}  // namespace
}  // namespace prong::os
