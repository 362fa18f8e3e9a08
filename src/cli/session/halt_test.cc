#include "cli/session/halt.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

TEST(HaltTest, CountsWhatItNames) {
  const Tally tally{.done = 5, .failed = 2, .total = 100};
  EXPECT_TRUE(parse_halt("now,fail=2").met(tally));
  EXPECT_FALSE(parse_halt("now,fail=3").met(tally));
  EXPECT_TRUE(parse_halt("soon,success=3").met(tally));
  EXPECT_FALSE(parse_halt("soon,success=4").met(tally));
  EXPECT_TRUE(parse_halt("soon,done=5").met(tally));
  EXPECT_FALSE(parse_halt("soon,done=6").met(tally));
}

TEST(HaltTest, NowKillsAndSoonDoesNot) {
  EXPECT_TRUE(parse_halt("now,fail=1").kill);
  EXPECT_FALSE(parse_halt("soon,fail=1").kill);
}

TEST(HaltTest, ShareIsOfAllJobsOrOfThoseThatAreDone) {
  const HaltRule rule = parse_halt("now,fail=10%");
  EXPECT_FALSE(rule.met({.done = 50, .failed = 9, .total = 100}));
  EXPECT_TRUE(rule.met({.done = 50, .failed = 10, .total = 100}));
  EXPECT_FALSE(rule.met({.done = 50, .failed = 4, .total = std::nullopt}));
  EXPECT_TRUE(rule.met({.done = 50, .failed = 5, .total = std::nullopt}));
}

TEST(HaltTest, ShareNeedsThreeJobs) {
  const HaltRule rule = parse_halt("now,fail=10%");
  EXPECT_FALSE(rule.met({.done = 2, .failed = 2, .total = std::nullopt}));
  EXPECT_TRUE(rule.met({.done = 3, .failed = 3, .total = std::nullopt}));
}

TEST(HaltTest, TellsTheReason) {
  EXPECT_EQ(parse_halt("now,fail=1").reason({.done = 2, .failed = 1, .total = {}}), "1 job failed");
  EXPECT_EQ(parse_halt("now,success=1").reason({.done = 3, .failed = 1, .total = {}}), "2 jobs succeeded");
  EXPECT_EQ(parse_halt("now,done=1").reason({.done = 1, .failed = 1, .total = {}}), "1 job is done");
}

TEST(HaltTest, OtherTextsAreRefused) {
  for (const char* text :
       {"", "now", "never", "now,", "now,fail", "now,fail=", "now,fail=0", "now,fail=x", "fail=1", "now,fail=101%",
        "now,fail=1%%", "now,fails=1", "later,fail=1", "now,fail=-1", "now,fail=0%"})
    EXPECT_THROW(parse_halt(text), UsageError) << text;
}

}  // namespace
}  // namespace prong::cli
