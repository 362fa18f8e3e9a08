#include "cli/options/retry_causes.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

RetryPolicy causes(std::string_view list) {
  RetryPolicy policy;
  set_retry_causes(list, policy);
  return policy;
}

TEST(RetryCausesTest, OnlyWhatIsNamedIsOn) {
  const RetryPolicy policy = causes("timeout,signal");
  EXPECT_TRUE(policy.on_timeout && policy.on_signal);
  EXPECT_FALSE(policy.on_exit || policy.on_exception || policy.on_lost);
  EXPECT_TRUE(causes("lost").on_lost && causes("exit").on_exit && causes("exception").on_exception);
}

TEST(RetryCausesTest, CausesMayBeNarrowed) {
  const RetryPolicy policy = causes("exit=75,exit=1,signal=9,exception=ValueError");
  EXPECT_EQ(policy.exit_codes, (std::vector<int>{75, 1}));
  EXPECT_EQ(policy.signals, std::vector<int>{9});
  EXPECT_EQ(causes("signal=KILL,signal=SIGSEGV,signal=64").signals, (std::vector<int>{9, 11, 64}));
  EXPECT_EQ(policy.exceptions, std::vector<std::string>{"ValueError"});
}

TEST(RetryCausesTest, OtherTextsAreRefused) {
  for (const char* list : {"", "exit,", "exits", "exit=", "exit=x", "exit=256", "signal=65", "signal=", "signal=NONE",
                           "timeout=3", "exception="})
    EXPECT_THROW(causes(list), UsageError) << list;
}

}  // namespace
}  // namespace prong::cli
