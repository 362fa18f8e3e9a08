#include "prong/outcome.h"

#include <gtest/gtest.h>

#include <csignal>
#include <set>

namespace prong {
namespace {

using namespace std::chrono_literals;

TEST(OutcomeTest, EachHasItsName) {
  EXPECT_EQ(outcome_name(Returned{}), "returned");
  EXPECT_EQ(outcome_name(Raised{}), "raised");
  EXPECT_EQ(outcome_name(Exited{}), "exited");
  EXPECT_EQ(outcome_name(Signalled{}), "signalled");
  EXPECT_EQ(outcome_name(TimedOut{}), "timed_out");
  EXPECT_EQ(outcome_name(Cancelled{}), "cancelled");
  EXPECT_EQ(outcome_name(Lost{}), "lost");
}

TEST(OutcomeTest, RaisedNamesTypeAndMessage) {
  EXPECT_EQ(describe(Raised{"builtins.ValueError", "no such key", "", {}}), "raised ValueError: no such key");
  EXPECT_EQ(describe(Raised{"app.Stop", "", "", {}}), "raised app.Stop");
}

TEST(OutcomeTest, EndOfTheProcessIsDescribed) {
  EXPECT_EQ(describe(Exited{3}), "exited with status 3");
  EXPECT_EQ(describe(Signalled{SIGSEGV, false}), "killed by signal 11 (SIGSEGV)");
  EXPECT_EQ(describe(Signalled{SIGABRT, true}), "killed by signal 6 (SIGABRT), core dumped");
  EXPECT_EQ(describe(Signalled{SIGRTMIN + 2, false}),
            "killed by signal " + std::to_string(SIGRTMIN + 2) + " (SIGRTMIN+2)");
}

TEST(OutcomeTest, LimitIsDescribedWithWhatWasAllowed) {
  EXPECT_EQ(describe(TimedOut{Limit::kWallTime, 2s, "", false, ""}), "exceeded its wall-time limit of 2 s");
  EXPECT_EQ(describe(TimedOut{Limit::kMemory, 0s, "", false, ""}), "exceeded its memory limit");
  EXPECT_EQ(describe(TimedOut{Limit::kCpuTime, 1500ms, "", true, "pid 7 (sudo)"}),
            "exceeded its CPU-time limit of 1.5 s; not seen to end: pid 7 (sudo)");
}

TEST(OutcomeTest, CancelledAndLostSayWhenAndWhy) {
  EXPECT_EQ(describe(Cancelled{}), "cancelled before it ran");
  EXPECT_EQ(describe(Cancelled{true}), "cancelled while it ran");
  EXPECT_EQ(describe(Lost{LostReason::kWorkerLost, ""}), "lost: its worker vanished");
  EXPECT_EQ(describe(Lost{LostReason::kStartFailed, "exec: no such file"}),
            "lost: no worker could be started: exec: no such file");
}

TEST(OutcomeTest, NamesOfLimitsAndReasonsDiffer) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Limit::kStall); ++i) names.insert(limit_name(static_cast<Limit>(i)));
  EXPECT_EQ(names.size(), 7u);
  names.clear();
  for (int i = 0; i <= static_cast<int>(LostReason::kPoolClosed); ++i)
    names.insert(lost_reason_name(static_cast<LostReason>(i)));
  EXPECT_EQ(names.size(), 6u);
}

TEST(OutcomeTest, OnlyCommandsSucceedByExit) {
  EXPECT_TRUE(succeeded(Returned{}, false));
  EXPECT_TRUE(succeeded(Exited{0}, true));
  EXPECT_FALSE(succeeded(Exited{0}, false));
  for (int code = 1; code < 256; ++code) EXPECT_FALSE(succeeded(Exited{code}, true));
  EXPECT_FALSE(succeeded(Raised{}, true));
  EXPECT_FALSE(succeeded(Cancelled{}, true));
}

}  // namespace
}  // namespace prong
