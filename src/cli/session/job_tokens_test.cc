#include "cli/session/job_tokens.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

using Address = JobserverAddress;

TEST(JobserverTest, IsFoundInTheFlagsOfEachVersionOfMake) {
  EXPECT_EQ(jobserver_in(" -j3 --jobserver-auth=3,4"), (Address{.reader = 3, .writer = 4}));
  EXPECT_EQ(jobserver_in("kw -j --jobserver-fds=5,6 -j"), (Address{.reader = 5, .writer = 6}));
  EXPECT_EQ(jobserver_in(" -j8 --jobserver-auth=fifo:/tmp/GMfifo1"), (Address{.fifo = "/tmp/GMfifo1"}));
}

TEST(JobserverTest, TheLastOneHolds) {
  EXPECT_EQ(jobserver_in("--jobserver-auth=3,4 --jobserver-auth=7,8"), (Address{.reader = 7, .writer = 8}));
  EXPECT_EQ(jobserver_in("--jobserver-auth=3,4 --jobserver-auth=-2,-2"), std::nullopt) << "make has none for this one";
}

TEST(JobserverTest, IsNotThere) {
  for (const char* flags : {"", "k", " -j3", "--jobserver-auth=", "--jobserver-auth=3", "--jobserver-auth=3,x"})
    EXPECT_EQ(jobserver_in(flags), std::nullopt) << flags;
}

TEST(JobserverTest, OtherFlagsStay) {
  EXPECT_EQ(without_jobserver("kw -j3 --jobserver-auth=3,4 --no-print-directory"), "kw --no-print-directory");
  EXPECT_EQ(without_jobserver(" -j --jobserver-auth=3,4 -Onone"), " -Onone");
  EXPECT_EQ(without_jobserver(""), "");
}

}  // namespace
}  // namespace prong::cli
