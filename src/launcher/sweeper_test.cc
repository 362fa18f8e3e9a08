#include "launcher/sweeper.h"

#include <gtest/gtest.h>

namespace prong::launcher {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(SweeperTest, RestsWhileNothingIsToBeSwept) {
  Sweeper sweeper;
  EXPECT_EQ(sweeper.due(), -1);
}

TEST(SweeperTest, EndsWithTheFirstRoundThatFindsNobody) {
  Sweeper sweeper;
  const auto ticket = sweeper.begin(10 * kMs);
  EXPECT_EQ(sweeper.due(), 10 * kMs);
  const auto round = sweeper.round({}, 10 * kMs);
  ASSERT_EQ(round.finished.size(), 1U);
  EXPECT_EQ(round.finished[0].ticket, ticket);
  EXPECT_EQ(round.finished[0].unconfirmed, 0U);
  EXPECT_EQ(sweeper.due(), -1);
}

TEST(SweeperTest, KillsStrangersAndLooksAgainLaterAndLater) {
  Sweeper sweeper;
  sweeper.begin(0);
  std::int64_t now = 0;
  std::int64_t last_pause = 0;
  for (int i = 0; i < 10; ++i) {
    const auto round = sweeper.round({7, 8}, now);
    EXPECT_EQ(round.kill, (std::vector<pid_t>{7, 8}));
    EXPECT_TRUE(round.finished.empty());
    const std::int64_t pause = sweeper.due() - now;
    EXPECT_GE(pause, last_pause);
    EXPECT_LE(pause, Sweeper::kLongestPauseNs);
    last_pause = pause;
    now = sweeper.due();
  }
  EXPECT_EQ(last_pause, Sweeper::kLongestPauseNs);
}

TEST(SweeperTest, LooksAgainAtOnceWhenTheLastKnownStrangerWasReaped) {
  Sweeper sweeper;
  sweeper.begin(0);
  sweeper.round({7, 8}, 0);
  sweeper.reaped(7, 100);
  EXPECT_EQ(sweeper.due(), Sweeper::kFirstPauseNs);
  sweeper.reaped(8, 200);
  EXPECT_EQ(sweeper.due(), 200);
  EXPECT_EQ(sweeper.round({}, 200).finished.size(), 1U);
}

TEST(SweeperTest, AnEmptyRoundEndsAllSweepsThatBeganBefore) {
  Sweeper sweeper;
  const auto first = sweeper.begin(0);
  sweeper.round({7}, 0);
  const auto second = sweeper.begin(1);
  const auto round = sweeper.round({}, 2);
  ASSERT_EQ(round.finished.size(), 2U);
  EXPECT_EQ(round.finished[0].ticket, first);
  EXPECT_EQ(round.finished[1].ticket, second);
}

TEST(SweeperTest, SaysHowManyOutlivedTheBound) {
  Sweeper sweeper;
  sweeper.begin(0);
  EXPECT_TRUE(sweeper.round({7, 8}, Sweeper::kBoundNs - 1).finished.empty());
  const auto round = sweeper.round({7, 8}, Sweeper::kBoundNs);
  ASSERT_EQ(round.finished.size(), 1U);
  EXPECT_EQ(round.finished[0].unconfirmed, 2U);
}

TEST(SweeperTest, DoesNotWaitAgainForWhatOutlivedABound) {
  Sweeper sweeper;
  sweeper.begin(0);
  sweeper.round({7}, Sweeper::kBoundNs);
  sweeper.begin(Sweeper::kBoundNs);
  const auto round = sweeper.round({7}, Sweeper::kBoundNs);
  EXPECT_TRUE(round.kill.empty());
  ASSERT_EQ(round.finished.size(), 1U);
  EXPECT_EQ(round.finished[0].unconfirmed, 0U);
  // Once it is reaped its number may be another's.
  sweeper.reaped(7, Sweeper::kBoundNs);
  sweeper.begin(Sweeper::kBoundNs);
  EXPECT_EQ(sweeper.round({7}, Sweeper::kBoundNs).kill, std::vector<pid_t>{7});
}

TEST(SweeperTest, ALaterSweepHasItsOwnBound) {
  Sweeper sweeper;
  sweeper.begin(0);
  const auto second = sweeper.begin(Sweeper::kBoundNs / 2);
  const auto round = sweeper.round({7}, Sweeper::kBoundNs);
  EXPECT_EQ(round.finished.size(), 1U);
  sweeper.reaped(7, Sweeper::kBoundNs);
  const auto last = sweeper.round({}, Sweeper::kBoundNs + 1);
  ASSERT_EQ(last.finished.size(), 1U);
  EXPECT_EQ(last.finished[0].ticket, second);
}

}  // namespace
}  // namespace prong::launcher
