#include "cli/options/stop_signals.h"

#include <gtest/gtest.h>

#include <csignal>

#include "prong/error.h"

namespace prong::cli {
namespace {

using namespace std::chrono_literals;
using Signals = std::vector<StopSignal>;

TEST(StopSignalsTest, AreReadAsGnuParallelHasThem) {
  EXPECT_EQ(parse_stop_signals("TERM,200,TERM,100,TERM,50,KILL,25"),
            (Signals{{SIGTERM, 200ms}, {SIGTERM, 100ms}, {SIGTERM, 50ms}, {SIGKILL, 25ms}}));
}

TEST(StopSignalsTest, MayHaveUnitsNumbersAndNoLastWait) {
  EXPECT_EQ(parse_stop_signals("SIGINT,1s,15,0,9"), (Signals{{SIGINT, 1s}, {SIGTERM, 0s}, {SIGKILL, 0s}}));
}

TEST(StopSignalsTest, RefuseWhatEndsNoJob) {
  for (const char* text : {"", "TERM,", ",", "TERM,KILL", "STOP,1", "term", "TERM,-1", "99", "TERM,1,",
                           "TERM,1,TERM,1,TERM,1,TERM,1,TERM,1,TERM,1,TERM,1,TERM,1,TERM,1"})
    EXPECT_THROW(parse_stop_signals(text), UsageError) << text;
}

}  // namespace
}  // namespace prong::cli
