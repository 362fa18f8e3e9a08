#include <gtest/gtest.h>

#include "jobs/ledger.h"

namespace prong::jobs {
namespace {

using namespace std::chrono_literals;

const Outcome kFailures[] = {Raised{}, Exited{1}, Signalled{11, false}, TimedOut{}, Lost{}};

TEST(RetryTest, NothingIsRetriedByDefault) {
  for (const Outcome& outcome : kFailures) EXPECT_FALSE(may_retry({}, outcome, 0, false));
}

TEST(RetryTest, EachFailureIsRetriedUntilTheRetriesAreUsedUp) {
  const RetryPolicy policy{.retries = 2};
  for (const Outcome& outcome : kFailures) {
    EXPECT_TRUE(may_retry(policy, outcome, 0, false)) << outcome_name(outcome);
    EXPECT_TRUE(may_retry(policy, outcome, 1, false)) << outcome_name(outcome);
    EXPECT_FALSE(may_retry(policy, outcome, 2, false)) << outcome_name(outcome);
  }
}

TEST(RetryTest, EachCauseHasItsSwitch) {
  EXPECT_FALSE(may_retry({.retries = 1, .on_exception = false}, Raised{}, 0, false));
  EXPECT_FALSE(may_retry({.retries = 1, .on_exit = false}, Exited{1}, 0, true));
  EXPECT_FALSE(may_retry({.retries = 1, .on_signal = false}, Signalled{9, false}, 0, false));
  EXPECT_FALSE(may_retry({.retries = 1, .on_timeout = false}, TimedOut{}, 0, false));
  EXPECT_FALSE(may_retry({.retries = 1, .on_lost = false}, Lost{}, 0, false));
}

TEST(RetryTest, SuccessAndCancellationAreFinal) {
  const RetryPolicy policy{.retries = 9};
  EXPECT_FALSE(may_retry(policy, Returned{}, 0, false));
  EXPECT_FALSE(may_retry(policy, Cancelled{true}, 0, false));
  EXPECT_FALSE(may_retry(policy, Lost{LostReason::kPoolClosed, ""}, 0, false));
}

TEST(RetryTest, ExitWithZeroIsSuccessForCommandsAlone) {
  const RetryPolicy policy{.retries = 1};
  EXPECT_FALSE(may_retry(policy, Exited{0}, 0, true));
  EXPECT_TRUE(may_retry(policy, Exited{0}, 0, false));
}

TEST(RetryTest, BackoffDoublesUpToItsMaximum) {
  const RetryPolicy policy{.backoff = 100ms, .max_backoff = 500ms, .jitter = 0};
  EXPECT_EQ(backoff_before(policy, 1, 0.7), 100ms);
  EXPECT_EQ(backoff_before(policy, 2, 0.7), 200ms);
  EXPECT_EQ(backoff_before(policy, 3, 0.7), 400ms);
  EXPECT_EQ(backoff_before(policy, 4, 0.7), 500ms);
  EXPECT_EQ(backoff_before(policy, 1000000, 0.7), 500ms);
}

TEST(RetryTest, JitterStaysWithinItsShare) {
  const RetryPolicy policy{.backoff = 100ms, .jitter = 0.25};
  EXPECT_EQ(backoff_before(policy, 1, 0.0), 75ms);
  EXPECT_EQ(backoff_before(policy, 1, 0.5), 100ms);
  EXPECT_GT(backoff_before(policy, 1, 0.999), 124ms);
  EXPECT_LT(backoff_before(policy, 1, 0.999), 125ms);
}

TEST(RetryTest, LongestBackoffDoesNotOverflow) {
  const RetryPolicy policy{.backoff = std::chrono::nanoseconds::max(), .max_backoff = std::chrono::nanoseconds::max()};
  EXPECT_GT(backoff_before(policy, 60, 0.99), 0ns);
}

}  // namespace
}  // namespace prong::jobs
