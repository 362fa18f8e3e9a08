#include "os/inheritance.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>

namespace prong::os {
namespace {

/// Whether a process inherits something else after `change`, which is made in a copy of this one.
bool differs_after(const std::function<bool()>& change) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto before = inheritance();
    if (!before || !change()) ::_exit(2);
    ::_exit(inheritance() == before ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_NE(WEXITSTATUS(status), 2) << "the change could not be made";
  return WEXITSTATUS(status) == 1;
}

bool lower_a_limit() {
  rlimit limit = {};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  --limit.rlim_cur;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

bool use_fewer_cpus() {
  cpu_set_t cpus;
  ::sched_getaffinity(0, sizeof cpus, &cpus);
  if (CPU_COUNT(&cpus) < 2) return ::setenv("PRONG_TEST_ONE_CPU", "1", 1) == 0;  // there is nothing to change
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &cpus)) continue;
    CPU_CLR(cpu, &cpus);
    break;
  }
  return ::sched_setaffinity(0, sizeof cpus, &cpus) == 0;
}

TEST(InheritanceTest, StaysTheSameWhileNothingChanges) {
  ASSERT_TRUE(inheritance());
  EXPECT_FALSE(differs_after([] { return true; }));
}

TEST(InheritanceTest, HoldsEverythingThatExecLeaves) {
  EXPECT_TRUE(differs_after([] { return ::chdir("/proc") == 0; })) << "folder";
  EXPECT_TRUE(differs_after([] { return ::umask(0135) != 0135; })) << "umask";
  EXPECT_TRUE(differs_after(lower_a_limit)) << "limits";
  EXPECT_TRUE(differs_after([] { return ::nice(1) != -1; })) << "nice";
  EXPECT_TRUE(differs_after(use_fewer_cpus)) << "affinity";
  EXPECT_TRUE(differs_after([] { return ::setenv("PRONG_TEST_INHERITED", "1", 1) == 0; })) << "environment";
  EXPECT_TRUE(differs_after([] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; })) << "privileges";
  EXPECT_TRUE(differs_after([] { return ::prctl(PR_SET_TIMERSLACK, 77'777) == 0; })) << "timer slack";
  EXPECT_TRUE(differs_after([] { return ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0; })) << "huge pages";
}

TEST(InheritanceTest, TellsASchedulingPolicy) {
  EXPECT_TRUE(differs_after([] {
    const sched_param parameters = {};
    return ::sched_setscheduler(0, SCHED_BATCH, &parameters) == 0;
  }));
}

TEST(InheritanceTest, TellsAMemoryPolicy) {
  constexpr int kInterleave = 3;
  const unsigned long first_node = 1;
  if (::syscall(SYS_set_mempolicy, 0, nullptr, 0) != 0) GTEST_SKIP() << "this kernel has none";
  EXPECT_TRUE(differs_after([&] { return ::syscall(SYS_set_mempolicy, kInterleave, &first_node, 64) == 0; }));
}

TEST(InheritanceTest, TellsASessionKeyring) {
  constexpr int kJoinSessionKeyring = 1;
  const auto join = [] { return ::syscall(SYS_keyctl, kJoinSessionKeyring, nullptr) > 0; };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(join() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) GTEST_SKIP() << "keyrings are refused here";
  EXPECT_TRUE(differs_after(join));
}

/// A program that confines itself by Landlock: no line in /proc tells that.
TEST(InheritanceTest, OutputIsNotTheSameForAProcessThatHasConfinedItself) {
  constexpr long kCreateRuleset = 444;
  constexpr long kRestrictSelf = 446;
  const std::uint64_t execute = 1;
  const pid_t outside = ::fork();
  if (outside == 0) {
    ::pause();
    ::_exit(0);
  }
  const pid_t confined = ::fork();
  if (confined == 0) {
    const bool before = same_output(outside);
    const long rules = ::syscall(kCreateRuleset, &execute, sizeof execute, 0);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (rules < 0 || ::syscall(kRestrictSelf, rules, 0) != 0) ::_exit(2);
    ::_exit(before && !same_output(outside) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(confined, &status, 0);
  ::kill(outside, SIGKILL);
  ::waitpid(outside, nullptr, 0);
  if (WEXITSTATUS(status) == 2) GTEST_SKIP() << "there is no Landlock here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(InheritanceTest, AnotherUserInheritsOtherThings) {
  if (::getuid() != 0) GTEST_SKIP() << "only root becomes another user";
  EXPECT_TRUE(differs_after([] { return ::setgid(65534) == 0; }));
}

/// Whether a child that has done `change` has the same output as this process.
bool child_has_same_output(const std::function<void()>& change) {
  int ready[2] = {-1, -1};
  int done[2] = {-1, -1};
  EXPECT_EQ(::pipe(ready) + ::pipe(done), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    change();
    ::close(done[1]);
    char nothing = 0;
    if (::write(ready[1], "r", 1) != 1) ::_exit(1);
    ::_exit(::read(done[0], &nothing, 1) != 0 ? 1 : 0);
  }
  char taken = 0;
  EXPECT_EQ(::read(ready[0], &taken, 1), 1);
  const bool same = same_output(child);
  for (const int fd : {ready[0], ready[1], done[0], done[1]}) ::close(fd);
  ::waitpid(child, nullptr, 0);
  return same;
}

TEST(InheritanceTest, TellsTheSameFileOpenedAgainFromTheSameOpenFile) {
  ASSERT_TRUE(same_output(::getpid()));
  EXPECT_TRUE(child_has_same_output([] {}));
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    EXPECT_FALSE(child_has_same_output([stream] {
      const std::string name = "/proc/self/fd/" + std::to_string(stream);
      int other = ::open(name.c_str(), O_WRONLY);
      if (other < 0) other = ::open("/dev/null", O_WRONLY);
      ::dup2(other, stream);
    }));
  }
}

TEST(InheritanceTest, OutputOfNobodyIsNotTheSame) {
  EXPECT_FALSE(same_output(0x3fffffff));
}

}  // namespace
}  // namespace prong::os
