#include "cli/session/recent_rate.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

using std::chrono::seconds;
constexpr MonotonicNs kSecond = 1'000'000'000;

TEST(RecentRateTest, KnowsNothingAtFirst) {
  RecentRate rate(0);
  EXPECT_FALSE(rate.time_for(10));
  rate.look(2, kSecond);
  EXPECT_FALSE(rate.time_for(10));
  rate.look(4, 2 * kSecond);
  EXPECT_EQ(rate.time_for(10), seconds(5));
}

TEST(RecentRateTest, ForgetsHowItWasLongAgo) {
  RecentRate rate(0);
  for (int second = 1; second <= 1000; ++second) rate.look(static_cast<std::uint64_t>(second) * 100, second * kSecond);
  EXPECT_EQ(rate.time_for(100), seconds(1));
  for (int second = 1; second <= 100; ++second)
    rate.look(100'000 + static_cast<std::uint64_t>(second), (1000 + second) * kSecond);
  EXPECT_EQ(rate.time_for(100), seconds(100));
}

TEST(RecentRateTest, LongJobsAreRememberedLongEnough) {
  RecentRate rate(0);
  for (int job = 1; job <= 10; ++job) rate.look(static_cast<std::uint64_t>(job), job * 600 * kSecond);
  EXPECT_EQ(rate.time_for(2), seconds(1200));
}

TEST(RecentRateTest, TimeWithoutAnEndCounts) {
  RecentRate rate(0);
  rate.look(10, 10 * kSecond);
  for (int second = 11; second <= 20; ++second) rate.look(10, second * kSecond);
  EXPECT_EQ(rate.time_for(1), seconds(2));
}

}  // namespace
}  // namespace prong::cli
