#include "os/usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

#include "os/clock.h"
#include "os/process_tree.h"
#include "os/stacks.h"
#include "os/this_process.h"

namespace prong::os {
namespace {

using namespace std::chrono_literals;

void burn(std::chrono::nanoseconds time) {
  timespec now{};
  do ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  while (std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) < time);
}

/// A process that runs `body` and then waits to be killed.
template <typename Body>
class Subject {
 public:
  explicit Subject(const Body& body) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    pid_ = try_fork();
    if (pid_ == 0) {
      body();
      (void)!::write(ends[1], "", 1);
      for (;;) ::pause();
    }
    char byte = 0;
    (void)!::read(ends[0], &byte, 1);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Subject() {
    for (const pid_t below : descendants_of(pid_)) signal_process(below, SIGKILL);
    signal_process(pid_, SIGKILL);
    reap(pid_);
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(UsageTest, CpuTimeOfOneProcess) {
  const Subject subject([] { burn(30ms); });
  EXPECT_GE(cpu_time_of_tree(subject.pid()), 30ms);
  EXPECT_LT(cpu_time_of_tree(subject.pid()), 3s);
}

TEST(UsageTest, CpuTimeOfLivingAndEndedChildren) {
  const Subject subject([] {
    const pid_t ended = try_fork();
    if (ended == 0) {
      burn(60ms);
      exit_now(0);
    }
    reap(ended);
    int ends[2];
    (void)!::pipe(ends);
    if (try_fork() == 0) {
      burn(60ms);
      ::close(ends[0]);
      ::close(ends[1]);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char byte = 0;
    (void)!::read(ends[0], &byte, 1);
  });
  EXPECT_GE(cpu_time_of_tree(subject.pid()), 90ms) << "60 of each, in ticks of 10";
}

TEST(UsageTest, ResidentBytesGrowWithWhatIsTouched) {
  constexpr std::size_t kSize = 64 << 20;
  const Subject small([] {});
  const Subject large([] {
    auto* memory = new std::vector<char>(kSize, 'x');
    memory->at(1) = 'y';
  });
  EXPECT_GE(resident_bytes_of_tree(large.pid()), resident_bytes_of_tree(small.pid()) + kSize * 9 / 10);
  EXPECT_GE(proportional_bytes_of_tree(large.pid()), kSize * 9 / 10);
}

TEST(UsageTest, NoSuchProcessUsesNothing) {
  const pid_t child = try_fork();
  if (child == 0) exit_now(0);
  reap(child);
  EXPECT_EQ(cpu_time_of_tree(child), 0ns);
  EXPECT_EQ(resident_bytes_of_tree(child), 0u);
  EXPECT_EQ(fate_of_signal(child, SIGTERM), SignalFate::kUnknown);
}

TEST(UsageTest, FateOfSignals) {
  const Subject subject([] {
    ::signal(SIGUSR1, [](int) {});
    sigset_t mask;
    ::sigemptyset(&mask);
    ::sigaddset(&mask, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  });
  EXPECT_EQ(fate_of_signal(subject.pid(), SIGUSR1), SignalFate::kHandled);
  EXPECT_EQ(fate_of_signal(subject.pid(), SIGUSR2), SignalFate::kBlocked);
  EXPECT_EQ(fate_of_signal(subject.pid(), SIGWINCH), SignalFate::kNotHandled);
}

}  // namespace
}  // namespace prong::os
