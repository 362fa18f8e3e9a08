#include "os/poller.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "os/clock.h"
#include "os/socket.h"
#include "prong/error.h"

namespace prong::os {
namespace {

using Tokens = std::vector<std::uint64_t>;

TEST(PollerTest, ReportsTheTokensThatAreReady) {
  Poller poller;
  const Fd first = create_eventfd();
  const Fd second = create_eventfd();
  poller.add(first.get(), 11);
  poller.add(second.get(), 22);
  ring(second.get());
  Tokens ready;
  EXPECT_EQ(poller.wait(ready, -1), Poller::Wake::kReady);
  EXPECT_EQ(ready, Tokens{22});
}

TEST(PollerTest, LevelRepeatsUntilSilencedAndEdgeDoesNot) {
  Poller poller;
  const Fd level = create_eventfd();
  const Fd edge = create_eventfd();
  poller.add(level.get(), 1);
  poller.add(edge.get(), 2, Poller::Trigger::kEdge);
  ring(level.get());
  ring(edge.get());
  Tokens ready;
  EXPECT_EQ(poller.wait(ready, 0), Poller::Wake::kReady);
  EXPECT_EQ(ready.size(), 2u);
  ready.clear();
  EXPECT_EQ(poller.wait(ready, 0), Poller::Wake::kReady);
  EXPECT_EQ(ready, Tokens{1});
  silence(level.get());
  EXPECT_EQ(poller.wait(ready, 0), Poller::Wake::kTimedOut);
  ring(edge.get());
  ready.clear();
  EXPECT_EQ(poller.wait(ready, 0), Poller::Wake::kReady);
  EXPECT_EQ(ready, Tokens{2});
}

TEST(PollerTest, ReportsTheOtherEndClosing) {
  Poller poller;
  auto [here, there] = socket_pair();
  poller.add(here.get(), 5);
  there.reset();
  Tokens ready;
  EXPECT_EQ(poller.wait(ready, -1), Poller::Wake::kReady);
  EXPECT_EQ(ready, Tokens{5});
}

TEST(PollerTest, DeadlineIsNeverEarly) {
  Poller poller;
  Tokens ready;
  const std::int64_t deadline = monotonic_now() + 1'500'000;
  EXPECT_EQ(poller.wait(ready, deadline), Poller::Wake::kTimedOut);
  EXPECT_GE(monotonic_now(), deadline);
  EXPECT_EQ(poller.wait(ready, deadline), Poller::Wake::kTimedOut);  // past by now: returns at once
}

TEST(PollerTest, RemovedDescriptorIsSilent) {
  Poller poller;
  const Fd fd = create_eventfd();
  poller.add(fd.get(), 1);
  ring(fd.get());
  poller.remove(fd.get());
  Tokens ready;
  EXPECT_EQ(poller.wait(ready, 0), Poller::Wake::kTimedOut);
}

TEST(PollerTest, RefusesWhatCannotBeWatched) {
  Poller poller;
  EXPECT_THROW(poller.add(-1, 1), SystemError);
}

TEST(PollerTest, MoreThanOneRoundOfEvents) {
  Poller poller;
  std::vector<Fd> fds;
  for (std::uint64_t i = 0; i < 100; ++i) {
    fds.push_back(create_eventfd());
    poller.add(fds.back().get(), i, Poller::Trigger::kEdge);
    ring(fds.back().get());
  }
  Tokens ready;
  while (poller.wait(ready, 0) == Poller::Wake::kReady) continue;
  EXPECT_EQ(ready.size(), 100u);
}

void ignore_signal(int) {}

// The signal is pending before the wait and let through only by the mask of the wait: the case that a check followed
// by an ordinary wait loses.
TEST(PollerTest, SignalThatWasBlockedInterruptsTheWait) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = ignore_signal;
  ::sigaction(SIGUSR1, &action, &before);
  sigset_t blocked;
  sigset_t old;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &old);
  ::raise(SIGUSR1);
  Poller poller;
  Tokens ready;
  EXPECT_EQ(poller.wait(ready, -1, &old), Poller::Wake::kInterrupted);
  ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  ::sigaction(SIGUSR1, &before, nullptr);
}

/// As a kernel that does not know the call, or a container that refuses it.
void refuse_nanosecond_wait() {
  std::array<sock_filter, 4> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{filter.size(), filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(2);
}

/// Whether it wakes within half a millisecond of a deadline, in the best of many tries.
bool wakes_in_time() {
  Poller poller;
  Tokens ready;
  for (int i = 0; i < 100; ++i) {
    const std::int64_t deadline = monotonic_now() + 50'000;
    const bool timed_out = poller.wait(ready, deadline) == Poller::Wake::kTimedOut;
    if (timed_out && monotonic_now() < deadline + 500'000) return true;
  }
  return false;
}

TEST(PollerTest, WaitsForMicrosecondsOnAnyKernel) {
  EXPECT_EXIT(
      {
        refuse_nanosecond_wait();
        Poller poller;
        const Fd fd = create_eventfd();
        poller.add(fd.get(), 7);
        ring(fd.get());
        Tokens ready;
        poller.wait(ready, -1);
        ::_exit(ready == Tokens{7} && wakes_in_time() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(DoorbellTest, RingingAFullOneDoesNotBlock) {
  const Fd fd = create_eventfd();
  ring(fd.get());
  ring(fd.get());
  EXPECT_TRUE(wait_readable(fd.get(), 0));
  silence(fd.get());
  EXPECT_FALSE(wait_readable(fd.get(), 0));
  silence(fd.get());
}

}  // namespace
}  // namespace prong::os
