#include "os/this_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>

#include "os/process_tree.h"
#include "support/eventually.h"
#include "support/leak_check.h"
#include "support/subreaper.h"

namespace prong::os {
namespace {

/// Runs `body` in a forked child; its status as of waitpid.
int status_in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return reap(child);
}

TEST(ThisProcessTest, ClosesAllButTheKept) {
  const test::LeakCheck leaks;
  EXPECT_EQ(status_in_child([] {
              const int low = ::open("/dev/null", O_RDONLY);
              const int kept = ::fcntl(low, F_DUPFD, 20);
              const int high = ::fcntl(low, F_DUPFD, 300);
              const int also_kept = ::fcntl(low, F_DUPFD, 301);
              close_all_but(std::array{also_kept, -1, kept});
              const auto open = [](int fd) { return ::fcntl(fd, F_GETFD) != -1; };
              return !open(low) && open(kept) && !open(high) && open(also_kept) && open(0) && open(1) && open(2) ? 0
                                                                                                                 : 1;
            }),
            0);
}

TEST(ThisProcessTest, StandardStreamsAreOpenAfterwards) {
  EXPECT_EQ(status_in_child([] {
              ::close(0);
              ::close(1);
              ::close(2);
              settle_standard_streams();
              char byte = 0;
              if (::read(0, &byte, 1) != 0) return 1;
              return ::write(1, "x", 1) == 1 && ::write(2, "x", 1) == 1 ? 0 : 2;
            }),
            0);
}

TEST(ThisProcessTest, DiesWithItsParent) {
  const test::Subreaper subreaper;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    const pid_t self = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      die_with_parent(self);
      const pid_t me = ::getpid();
      [[maybe_unused]] const auto size = ::write(ends[1], &me, sizeof me);
    }
    for (;;) ::pause();
  }
  pid_t child = 0;
  ASSERT_EQ(::read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  ::kill(parent, SIGKILL);
  reap(parent);
  EXPECT_EQ(code_of(reap(child)), SIGKILL);  // ours now: we adopted it
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ThisProcessTest, EndsAtOnceIfItsParentIsAnother) {
  EXPECT_EQ(code_of(status_in_child([] {
              die_with_parent(1'000'000'000);
              return 0;
            })),
            127);
}

TEST(ThisProcessTest, WaitsForAdoption) {
  const test::Subreaper subreaper;
  const pid_t self = ::getpid();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t middle = ::fork();
  if (middle == 0) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[1]);
      ::_exit(wait_for_adoption(self) && ::getppid() == self ? 5 : 6);
    }
    char byte = 0;
    ::close(ends[1]);
    [[maybe_unused]] const auto size = ::read(ends[0], &byte, 1);  // lives until the test has seen that the child waits
    ::_exit(0);
  }
  pid_t child = 0;
  EXPECT_TRUE(test::eventually([&] {
    const auto children = children_of(middle);
    child = children.empty() ? 0 : children[0];
    return child != 0;
  }));
  EXPECT_EQ(try_reap(child), std::nullopt);
  ::close(ends[1]);
  reap(middle);
  EXPECT_EQ(code_of(reap(child)), 5);
  ::close(ends[0]);
}

TEST(ThisProcessTest, NamesLimitsAndPreferences) {
  EXPECT_EQ(status_in_child([] {
              set_process_name("prong-test");
              disable_core_dumps();
              prefer_as_oom_victim();
              std::string name;
              std::getline(std::ifstream("/proc/self/comm") >> std::ws, name);
              rlimit cores = {};
              ::getrlimit(RLIMIT_CORE, &cores);
              int oom_score_adj = 0;
              std::ifstream("/proc/self/oom_score_adj") >> oom_score_adj;
              return name == "prong-test" && cores.rlim_cur == 0 && oom_score_adj == 1000 ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace prong::os
