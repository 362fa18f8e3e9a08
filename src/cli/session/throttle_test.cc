#include "cli/session/throttle.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

constexpr MonotonicNs kMs = 1'000'000;
constexpr std::uint64_t kMB = 1024 * 1024;

class ThrottleTest : public testing::Test {
 protected:
  Throttle throttle(const ThrottleRules& rules) {
    return {rules, {.load = [this] { return ++looks_, load_; }, .free_memory = [this] { return ++looks_, memory_; }}};
  }

  double load_ = 0;
  std::uint64_t memory_ = 0;
  int looks_ = 0;
};

TEST_F(ThrottleTest, LetsJobsStartUntilTheLoadIsReached) {
  Throttle subject = throttle({.load = 3});
  load_ = 1;
  EXPECT_TRUE(subject.may_start(0));
  subject.started(0);
  EXPECT_TRUE(subject.may_start(1)) << "one job was started since the load was 1";
  subject.started(1);
  EXPECT_FALSE(subject.may_start(2)) << "two were";
  EXPECT_EQ(subject.reason(), "the load is 3, not below 3");
  EXPECT_EQ(looks_, 1);
}

TEST_F(ThrottleTest, LooksAgainLater) {
  Throttle subject = throttle({.load = 1});
  load_ = 5;
  EXPECT_FALSE(subject.may_start(0));
  load_ = 0;
  EXPECT_FALSE(subject.may_start(kMs)) << "it was just counted";
  EXPECT_TRUE(subject.may_start(subject.next_look()));
}

TEST_F(ThrottleTest, WantsMemoryForEachStart) {
  Throttle subject = throttle({.free_memory = 100 * kMB});
  memory_ = 100 * kMB;
  EXPECT_TRUE(subject.may_start(0));
  subject.started(0);
  EXPECT_FALSE(subject.may_start(1)) << "nobody knows yet what the first one takes";
  EXPECT_TRUE(subject.may_start(100 * kMs));
  memory_ = 99 * kMB;
  EXPECT_FALSE(subject.may_start(200 * kMs));
  EXPECT_EQ(subject.reason(), "99 MiB of memory are available, not 100");
}

TEST_F(ThrottleTest, IsShortOfMemoryBelowHalf) {
  Throttle subject = throttle({.free_memory = 100 * kMB});
  memory_ = 50 * kMB;
  EXPECT_FALSE(subject.is_short_of_memory(0));
  memory_ = 50 * kMB - 1;
  EXPECT_TRUE(subject.is_short_of_memory(100 * kMs));
}

TEST_F(ThrottleTest, WithoutRulesItMeasuresNothing) {
  Throttle subject = throttle({});
  EXPECT_FALSE(subject.wanted());
  EXPECT_TRUE(subject.may_start(0));
  EXPECT_FALSE(subject.is_short_of_memory(0));
  EXPECT_EQ(looks_, 0);
}

TEST(PresentLoadTest, IsCounted) {
  EXPECT_GE(present_load(), 0);
}

}  // namespace
}  // namespace prong::cli
