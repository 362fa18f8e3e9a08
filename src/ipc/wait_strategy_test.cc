#include "ipc/wait_strategy.h"

#include <gtest/gtest.h>

namespace prong::ipc {
namespace {

const auto always = []() noexcept { return true; };
const auto never = []() noexcept { return false; };

TEST(WaitStrategyTest, FailureHalvesDownToNothing) {
  WaitStrategy waiting(8'000);
  for (const std::int64_t budget : {4'000, 2'000, 1'000, 0, 0}) {
    EXPECT_FALSE(waiting.spin(never, always));
    EXPECT_EQ(waiting.budget_ns(), budget);
  }
}

TEST(WaitStrategyTest, SuccessRestores) {
  WaitStrategy waiting(8'000);
  waiting.spin(never, always);
  int looks = 0;
  EXPECT_TRUE(waiting.spin([&]() noexcept { return ++looks == 5; }, always));
  EXPECT_EQ(waiting.budget_ns(), 8'000);
}

TEST(WaitStrategyTest, ShortSleepRestoresAndLongOneDoesNot) {
  WaitStrategy waiting(8'000);
  waiting.spin(never, always);
  waiting.slept(8'001);
  EXPECT_EQ(waiting.budget_ns(), 4'000);
  waiting.slept(8'000);
  EXPECT_EQ(waiting.budget_ns(), 8'000);
}

TEST(WaitStrategyTest, NotWorthwhileIsNoFailure) {
  WaitStrategy waiting(8'000);
  int looks = 0;
  EXPECT_FALSE(waiting.spin(
      [&]() noexcept {
        ++looks;
        return false;
      },
      never));
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(waiting.budget_ns(), 8'000);
}

TEST(WaitStrategyTest, StopsWhenThePartnerGoesToSleep) {
  WaitStrategy waiting(std::int64_t{3600} * 1'000'000'000);
  int looks = 0;
  EXPECT_FALSE(waiting.spin(never, [&]() noexcept { return ++looks < 10; }));
  EXPECT_EQ(looks, 10);
}

TEST(WaitStrategyTest, WithoutBudgetItLooksOnce) {
  WaitStrategy waiting(0);
  int looks = 0;
  EXPECT_TRUE(waiting.spin([&]() noexcept { return ++looks == 1; }, always));
  waiting.slept(1);
  EXPECT_EQ(waiting.budget_ns(), 0);
}

}  // namespace
}  // namespace prong::ipc
