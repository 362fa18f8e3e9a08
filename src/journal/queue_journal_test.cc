#include "prong/queue_journal.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "support/temporary.h"

namespace prong {
namespace {

class QueueJournalTest : public testing::Test {
 protected:
  QueueJournalTest() { open(); }

  void open() { queue_.emplace(path_, RunDescription{.command = "prong serve --name q"}); }
  /// As a program that is killed: what it has not committed is gone.
  void reopen() {
    queue_.reset();
    open();
  }
  std::uint64_t add(const std::string& ticket) {
    const std::uint64_t number =
        queue_->add({.ticket = ticket, .description = "run " + ticket, .payload = "bytes", .options = "{}"});
    queue_->commit();
    return number;
  }
  std::vector<std::uint64_t> waiting() { return queue_->all(JobState::kQueued); }

  const std::string path_ = test::temporary_name();
  std::optional<QueueJournal> queue_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(QueueJournalTest, JobsAreNumberedFromOneOn) {
  EXPECT_EQ(add("a"), 1U);
  EXPECT_EQ(add("b"), 2U);
  EXPECT_EQ(waiting(), (Numbers{1, 2}));
}

TEST_F(QueueJournalTest, ATicketIsGoodForOneJob) {
  EXPECT_EQ(add("a"), 1U);
  EXPECT_EQ(add("a"), 1U);
  reopen();
  EXPECT_EQ(add("a"), 1U);
  EXPECT_EQ(waiting(), (Numbers{1}));
}

TEST_F(QueueJournalTest, WhatWasCommittedIsThereAfterTheProgram) {
  add("a");
  queue_->add({.ticket = "never committed"});
  reopen();
  EXPECT_EQ(waiting(), (Numbers{1}));
  const TakenJob job = queue_->take(1);
  EXPECT_EQ(job.payload, "bytes");
  EXPECT_EQ(job.options, "{}");
  queue_->commit();
  reopen();
  EXPECT_EQ(waiting(), Numbers());
  EXPECT_EQ(queue_->all(JobState::kDispatched), (Numbers{1}));
}

TEST_F(QueueJournalTest, AJobHasItsAttemptsAlsoWhenItIsPutBack) {
  add("a");
  queue_->take(1);
  queue_->end(1, Outcome(Lost{.reason = LostReason::kWorkerLost, .detail = "gone"}), JobState::kFailed);
  EXPECT_EQ(queue_->state(1), JobState::kFailed);
  queue_->put_back(1);
  EXPECT_EQ(queue_->take(1).attempts, 1);
  queue_->end(1, Outcome(Exited{.code = 3}), JobState::kFailed);
  queue_->commit();
  JournalReader reader(path_);
  const std::optional<JournalJob> job = reader.job(1, 1);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->attempts, 2);
  EXPECT_EQ(job->last.outcome, "exited");
  EXPECT_EQ(reader.attempts(job->id).front().outcome, "lost");
}

TEST_F(QueueJournalTest, WhatIsRolledBackHasNotBeen) {
  add("a");
  EXPECT_EQ(queue_->add({.ticket = "b"}), 2U);
  queue_->take(1);
  queue_->roll_back();
  EXPECT_EQ(waiting(), (Numbers{1}));
  EXPECT_EQ(queue_->last(), 1U);
  EXPECT_EQ(add("b"), 2U);
}

TEST_F(QueueJournalTest, WhatIsForgottenLeavesNothingButItsNumber) {
  for (const char* ticket : {"a", "b", "c"}) add(ticket);
  queue_->take(1);
  queue_->end(3, Outcome(Exited{.code = 1}), JobState::kFailed);
  queue_->end(2, Outcome(Exited{.code = 0}), JobState::kDone);
  queue_->commit();
  using namespace std::chrono_literals;
  EXPECT_EQ(queue_->forget(JobState::kFailed, 1h), 0U);
  EXPECT_EQ(queue_->forget(JobState::kFailed, 0s), 1U);
  EXPECT_EQ(queue_->forget(JobState::kDone, 0s), 1U);
  queue_->commit();
  EXPECT_EQ(queue_->forgotten_failures(), 1U);
  EXPECT_EQ(queue_->state(2), JobState::kNew);
  EXPECT_EQ(queue_->state(1), JobState::kDispatched);
  reopen();
  EXPECT_EQ(queue_->last(), 3U);
  EXPECT_EQ(add("b"), 4U);
  EXPECT_TRUE(JournalReader(path_).attempts(3).empty());
}

TEST_F(QueueJournalTest, SurroundingsGoWithTheLastJobThatHasThem) {
  for (const char* ticket : {"a", "b"}) queue_->add({.ticket = ticket, .surroundings = "these"});
  queue_->end(1, Outcome(Exited{.code = 0}), JobState::kDone);
  queue_->forget(JobState::kDone, std::chrono::seconds(0));
  EXPECT_EQ(queue_->take(2).surroundings, "these");
}

TEST_F(QueueJournalTest, ItStaysPaused) {
  EXPECT_FALSE(queue_->paused());
  queue_->set_paused(true);
  queue_->commit();
  reopen();
  EXPECT_TRUE(queue_->paused());
}

TEST_F(QueueJournalTest, RunsAndQueuesDoNotShareAFile) {
  queue_.reset();
  EXPECT_THROW(Journal(path_, {}), JournalError);
  const std::string of_runs = test::temporary_name();
  Journal(of_runs, {}).close(0);
  EXPECT_THROW(QueueJournal(of_runs, {}), JournalError);
}

TEST_F(QueueJournalTest, OneProgramHasIt) {
  EXPECT_THROW(QueueJournal(path_, {}), JournalError);
}

}  // namespace
}  // namespace prong
