#include "cli/queue/queue_jobs.h"

#include <gtest/gtest.h>

#include "support/temporary.h"

namespace prong::cli {
namespace {

using Numbers = std::vector<std::uint64_t>;

class QueueJobsTest : public testing::Test {
 protected:
  std::uint64_t add(const std::string& ticket, int priority = 0) {
    return jobs_.add({.ticket = ticket,
                      .options = R"({"kind": "command", "if_lost": "fail", "settings": {}, "priority": )" +
                                 std::to_string(priority) + "}"});
  }
  void fail(std::uint64_t number) { jobs_.fail(number, Exited{.code = 1}); }
  std::string counts() const {
    const QueueJobs::Counts& all = jobs_.counts();
    return std::to_string(all.queued) + " queued, " + std::to_string(all.running) + " running, " +
           std::to_string(all.failed) + " failed";
  }

  QueueJobs jobs_{test::temporary_name(), {.command = "prong serve --name q"}, {}};
};

TEST_F(QueueJobsTest, WhatIsTakenBackHasNotBeen) {
  for (const char* ticket : {"a", "b", "c"}) add(ticket);
  fail(jobs_.take()->number);
  jobs_.take();
  jobs_.commit();
  const auto expect_as_before = [&] {
    EXPECT_EQ(jobs_.waiting(), (Numbers{3}));
    EXPECT_EQ(counts(), "1 queued, 1 running, 1 failed");
    EXPECT_FALSE(jobs_.paused());
  };
  expect_as_before();
  EXPECT_EQ(add("d", 1), 4U);
  EXPECT_TRUE(jobs_.retry(1));
  EXPECT_TRUE(jobs_.cancel(3));
  EXPECT_EQ(jobs_.take()->number, 4U);
  EXPECT_EQ(jobs_.take()->number, 1U);
  jobs_.put_back(1);
  fail(2);
  jobs_.set_paused(true);
  EXPECT_EQ(counts(), "1 queued, 1 running, 2 failed");
  jobs_.roll_back();
  expect_as_before();
  EXPECT_EQ(jobs_.state(4), JobState::kNew);
  EXPECT_EQ(add("e"), 4U);
  EXPECT_EQ(jobs_.waiting(), (Numbers{3, 4}));
}

TEST_F(QueueJobsTest, WhetherItCanBeWrittenIsTriedWithoutLeavingAnything) {
  add("a");
  jobs_.commit();
  jobs_.try_writing();
  jobs_.commit();
  EXPECT_EQ(counts(), "1 queued, 0 running, 0 failed");
  jobs_.try_writing();
}

}  // namespace
}  // namespace prong::cli
