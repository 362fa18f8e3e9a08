#include "cli/system/signals.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

namespace prong::cli {
namespace {

TEST(SignalsTest, InterruptsAskTwoThings) {
  Signals signals;
  EXPECT_EQ(signals.wish(), Signals::Wish::kGoOn);
  EXPECT_EQ(signals.exit_status(), 0);
  ::raise(SIGINT);
  EXPECT_EQ(signals.wish(), Signals::Wish::kStopStarting);
  ::raise(SIGINT);
  EXPECT_EQ(signals.wish(), Signals::Wish::kKillJobs);
  ::raise(SIGINT);
  EXPECT_EQ(signals.wish(), Signals::Wish::kKillAtOnce);
  EXPECT_EQ(signals.exit_status(), 130);
}

TEST(SignalsTest, TerminationKillsAtOnce) {
  Signals signals;
  ::raise(SIGTERM);
  EXPECT_EQ(signals.wish(), Signals::Wish::kKillJobs);
  EXPECT_EQ(signals.exit_status(), 143);
}

TEST(SignalsTest, IgnoredSignalStaysIgnored) {
  ::signal(SIGHUP, SIG_IGN);
  {
    Signals signals;
    ::raise(SIGHUP);
    EXPECT_EQ(signals.wish(), Signals::Wish::kGoOn);
  }
  ::signal(SIGHUP, SIG_DFL);
}

TEST(SignalsTest, SignalBeforeTheSleepEndsIt) {
  Signals signals;
  const Signals::Held held;
  signals.wake();
  EXPECT_FALSE(signals.take_news());
  Signals::sleep(held, std::nullopt);
  EXPECT_TRUE(signals.take_news());
  EXPECT_FALSE(signals.take_news());
}

TEST(SignalsTest, OtherThreadEndsTheSleep) {
  Signals signals;
  const Signals::Held held;
  std::thread other([&] { signals.wake(); });
  Signals::sleep(held, std::nullopt);
  other.join();
  EXPECT_EQ(signals.wish(), Signals::Wish::kGoOn);
}

TEST(SignalsTest, SleepEndsAtItsDeadline) {
  Signals signals;
  const Signals::Held held;
  const MonotonicNs deadline = monotonic_now() + 1'000'000;
  Signals::sleep(held, deadline);
  EXPECT_GE(monotonic_now(), deadline);
}

}  // namespace
}  // namespace prong::cli
