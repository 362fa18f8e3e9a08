#include "pool/launcher_watch.h"

#include <gtest/gtest.h>

namespace prong::pool {
namespace {

using Verdict = LauncherWatch::Verdict;

constexpr MonotonicNs kBegin = 1'000'000'000'000;
constexpr MonotonicNs kSecond = 1'000'000'000;

/// Of one that was asked just now; `now` is moved to then.
LauncherWatch asked(MonotonicNs& now) {
  LauncherWatch watch;
  EXPECT_EQ(watch.look(true, now), Verdict::kWait);
  now = watch.due();
  EXPECT_EQ(watch.look(true, now), Verdict::kAsk);
  return watch;
}

TEST(LauncherWatchTest, OneThatOwesNothingIsNotAsked) {
  LauncherWatch watch;
  for (const int hours : {0, 1, 2}) EXPECT_EQ(watch.look(false, kBegin + hours * 3600 * kSecond), Verdict::kWait);
  EXPECT_EQ(watch.due(), 0);
}

TEST(LauncherWatchTest, OneThatDoesNotAnswerIsHung) {
  MonotonicNs now = kBegin;
  LauncherWatch watch = asked(now);
  EXPECT_EQ(now, kBegin + LauncherWatch::kOrderPatience);
  EXPECT_EQ(watch.due(), now + LauncherWatch::kAnswerPatience);
  EXPECT_EQ(watch.look(true, watch.due() - 1), Verdict::kWait);
  EXPECT_EQ(watch.look(true, watch.due()), Verdict::kHung);
}

TEST(LauncherWatchTest, OneThatAnswersIsAskedAgainLater) {
  MonotonicNs now = kBegin;
  LauncherWatch watch = asked(now);
  watch.heard();
  EXPECT_EQ(watch.look(true, now + 2 * LauncherWatch::kAnswerPatience), Verdict::kWait);
  EXPECT_EQ(watch.look(true, watch.due()), Verdict::kAsk);
}

TEST(LauncherWatchTest, TimeInWhichNobodyCouldRunDoesNotCount) {
  MonotonicNs now = kBegin;
  LauncherWatch watch = asked(now);
  now = watch.due() + 60 * kSecond;
  EXPECT_EQ(watch.look(true, now), Verdict::kWait);
  EXPECT_EQ(watch.due(), now + LauncherWatch::kAnswerPatience);
  EXPECT_EQ(watch.look(true, watch.due()), Verdict::kHung);
}

TEST(LauncherWatchTest, ALittleLateIsNotFrozen) {
  MonotonicNs now = kBegin;
  LauncherWatch watch = asked(now);
  EXPECT_EQ(watch.look(true, watch.due() + LauncherWatch::kFrozen - 1), Verdict::kHung);
}

}  // namespace
}  // namespace prong::pool
