#include "cli/results/joblog.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

TEST(JobLogTest, LineHasTheFormOfGnuParallel) {
  EXPECT_EQ(joblog_line({.number = 1,
                         .started_s = 1795279091.6214,
                         .seconds = 0.0041,
                         .output_bytes = 2,
                         .end = {3, 0},
                         .command = "exit 3"}),
            "1\t:\t1795279091.621\t     0.004\t0\t2\t3\t0\texit 3\n");
}

void expect_end(const Outcome& outcome, int exit_value, int signal) {
  EXPECT_EQ(joblog_end(outcome).exit_value, exit_value) << outcome_name(outcome);
  EXPECT_EQ(joblog_end(outcome).signal, signal) << outcome_name(outcome);
}

TEST(JobLogTest, EachOutcomeHasExitValueAndSignal) {
  expect_end(Exited{0}, 0, 0);
  expect_end(Exited{3}, 3, 0);
  expect_end(Signalled{9, false}, 0, 9);
  expect_end(TimedOut{}, -1, 15);
  expect_end(Returned{}, 0, 0);
  expect_end(Raised{}, -1, 0);
  expect_end(Cancelled{}, -1, 15);
  expect_end(Lost{}, -1, 0);
}

TEST(JobLogTest, FileThatCannotBeWrittenIsTold) {
  EXPECT_THROW(JobLog("/nonexistent/log"), SystemError);
  EXPECT_THROW(JobLog("/dev/full"), SystemError);
}

}  // namespace
}  // namespace prong::cli
