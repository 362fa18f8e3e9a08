#include "jobs/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

namespace prong::jobs {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicNs kNow = 1000;

std::shared_ptr<const JobOptions> with(JobOptions options) {
  return std::make_shared<JobOptions>(std::move(options));
}

Attempt ended(Outcome outcome) {
  Attempt attempt;
  attempt.outcome = std::move(outcome);
  return attempt;
}

class LedgerTest : public testing::Test {
 protected:
  JobPtr submit(JobOptions options = {}) { return ledger_.submit({.options = with(std::move(options))}, kNow); }
  JobPtr next(MonotonicNs now = kNow) { return ledger_.next(now); }

  Ledger ledger_{1};
};

TEST_F(LedgerTest, JobsComeInOrderOfSubmission) {
  const JobPtr first = submit();
  const JobPtr second = submit();
  EXPECT_EQ(next(), first);
  EXPECT_EQ(next(), second);
  EXPECT_EQ(next(), nullptr);
}

TEST_F(LedgerTest, HigherPriorityComesFirst) {
  const JobPtr low = submit({.priority = -1});
  const JobPtr middle = submit();
  const JobPtr high = submit({.priority = 5});
  EXPECT_EQ(next(), high);
  EXPECT_EQ(next(), middle);
  EXPECT_EQ(next(), low);
}

TEST_F(LedgerTest, PeekShowsWhatNextTakes) {
  EXPECT_EQ(ledger_.peek(kNow), nullptr);
  EXPECT_FALSE(ledger_.has_ready(kNow));
  const JobPtr job = submit();
  EXPECT_TRUE(ledger_.has_ready(kNow));
  EXPECT_EQ(ledger_.peek(kNow), job.get());
  EXPECT_EQ(job->state(), Job::State::kQueued);
  EXPECT_EQ(next(), job);
  EXPECT_EQ(job->state(), Job::State::kDispatched);
}

TEST_F(LedgerTest, CountsFollowAJob) {
  const JobPtr job = submit();
  EXPECT_EQ(ledger_.queued(), 1u);
  next();
  EXPECT_EQ(ledger_.queued(), 0u);
  EXPECT_EQ(ledger_.dispatched(), 1u);
  EXPECT_FALSE(ledger_.all_done());
  ledger_.end_attempt(job, ended(Returned{}), kNow);
  EXPECT_EQ(ledger_.dispatched(), 0u);
  EXPECT_EQ(ledger_.finished(), 1u);
  EXPECT_TRUE(ledger_.all_done());
}

TEST_F(LedgerTest, ReturnedJobIsDoneWithItsAttempt) {
  const JobPtr job = submit({.retry = {.retries = 3}});
  next();
  EXPECT_TRUE(ledger_.end_attempt(job, ended(Returned{Payload::copy_of(std::string_view("42"))}), kNow + 7));
  ASSERT_TRUE(job->done());
  EXPECT_EQ(std::get<Returned>(job->outcome()).value.text(), "42");
  ASSERT_EQ(job->attempts().size(), 1u);
  EXPECT_EQ(job->attempts()[0].number, 1);
  EXPECT_EQ(job->submitted(), kNow);
  EXPECT_EQ(job->finished(), kNow + 7);
}

TEST_F(LedgerTest, FailedJobIsDoneWithoutRetries) {
  const JobPtr job = submit();
  next();
  EXPECT_TRUE(ledger_.end_attempt(job, ended(Raised{"T", "m", "", {}}), kNow));
  EXPECT_EQ(describe(job->outcome()), "raised T: m");
}

TEST_F(LedgerTest, RetryWaitsForItsBackoff) {
  const JobPtr job = submit({.retry = {.retries = 1, .backoff = 100ns, .jitter = 0}});
  next();
  EXPECT_FALSE(ledger_.end_attempt(job, ended(Raised{}), kNow));
  EXPECT_EQ(ledger_.next_retry(), kNow + 100);
  EXPECT_EQ(ledger_.queued(), 1u);
  EXPECT_EQ(next(kNow + 99), nullptr);
  EXPECT_EQ(next(kNow + 100), job);
  EXPECT_EQ(Ledger::attempt_number(*job), 2);
  EXPECT_EQ(ledger_.next_retry(), std::nullopt);
  EXPECT_TRUE(ledger_.end_attempt(job, ended(Exited{3}), kNow + 200));
  ASSERT_EQ(job->attempts().size(), 2u);
  EXPECT_EQ(job->attempts()[1].number, 2);
  EXPECT_EQ(describe(job->outcome()), "exited with status 3");
}

TEST_F(LedgerTest, RetryComesBackToItsPlace) {
  const JobPtr first = submit({.retry = {.retries = 1}});
  submit();
  next();
  ledger_.end_attempt(first, ended(Raised{}), kNow);
  EXPECT_EQ(next(), first);
}

TEST_F(LedgerTest, JitterMovesTheRetry) {
  const JobPtr job = submit({.retry = {.retries = 1, .backoff = 1s, .jitter = 0.5}});
  next();
  ledger_.end_attempt(job, ended(Raised{}), 0);
  EXPECT_GE(*ledger_.next_retry(), 500'000'000);
  EXPECT_LE(*ledger_.next_retry(), 1'500'000'000);
  EXPECT_NE(*ledger_.next_retry(), 1'000'000'000);
}

TEST_F(LedgerTest, TakingBackCostsNoAttempt) {
  const JobPtr first = submit();
  const JobPtr second = submit();
  next();
  next();
  ledger_.take_back(second);
  ledger_.take_back(first);
  EXPECT_EQ(first->state(), Job::State::kQueued);
  EXPECT_EQ(Ledger::attempt_number(*first), 0);
  EXPECT_EQ(ledger_.queued(), 2u);
  EXPECT_EQ(next(), first);
  EXPECT_EQ(next(), second);
  EXPECT_EQ(Ledger::attempt_number(*first), 1);
}

TEST_F(LedgerTest, EndFinallyIsNeverRetried) {
  const JobPtr job = submit({.retry = {.retries = 5}});
  next();
  ledger_.end_finally(job, ended(Lost{LostReason::kWorkerLost, ""}), kNow);
  EXPECT_TRUE(job->done());
  EXPECT_FALSE(ledger_.has_ready(kNow));
}

TEST_F(LedgerTest, SameKeyGivesTheJobThatIsThere) {
  const JobPtr job = submit({.key = "a"});
  EXPECT_EQ(submit({.key = "a"}), job);
  EXPECT_NE(submit({.key = "b"}), job);
  next();
  EXPECT_EQ(submit({.key = "a"}), job);
  EXPECT_EQ(ledger_.submitted(), 2u);
  ledger_.end_attempt(job, ended(Returned{}), kNow);
  EXPECT_NE(submit({.key = "a"}), job);
}

TEST_F(LedgerTest, CancelledKeyIsFree) {
  const JobPtr job = submit({.key = "a"});
  ledger_.cancel(job, kNow);
  EXPECT_NE(submit({.key = "a"}), job);
}

TEST_F(LedgerTest, CancelledJobNeverRuns) {
  const JobPtr first = submit();
  const JobPtr second = submit();
  EXPECT_TRUE(ledger_.cancel(first, kNow));
  EXPECT_TRUE(ledger_.cancel(first, kNow));
  EXPECT_EQ(outcome_name(first->outcome()), "cancelled");
  EXPECT_EQ(ledger_.queued(), 1u);
  EXPECT_EQ(next(), second);
  EXPECT_EQ(next(), nullptr);
}

TEST_F(LedgerTest, RunningOrFinishedJobIsNotCancelled) {
  const JobPtr job = submit();
  next();
  EXPECT_FALSE(ledger_.cancel(job, kNow));
  ledger_.end_attempt(job, ended(Returned{}), kNow);
  EXPECT_FALSE(ledger_.cancel(job, kNow));
}

TEST_F(LedgerTest, WithdrawnJobIsNotTriedAgain) {
  const JobPtr job = submit({.retry = {.retries = 5}});
  next();
  Ledger::end_with_this_attempt(job);
  EXPECT_TRUE(ledger_.end_attempt(job, ended(Raised{}), kNow));
  EXPECT_EQ(outcome_name(job->outcome()), "raised");
}

TEST_F(LedgerTest, CancelledRetryWakesNobody) {
  const JobPtr job = submit({.retry = {.retries = 1, .backoff = 1s}});
  next();
  ledger_.end_attempt(job, ended(Raised{}), kNow);
  EXPECT_TRUE(ledger_.cancel(job, kNow));
  EXPECT_EQ(ledger_.next_retry(), std::nullopt);
  EXPECT_EQ(job->attempts().size(), 1u);
  EXPECT_EQ(outcome_name(job->outcome()), "cancelled");
}

TEST_F(LedgerTest, ManyAttemptsAreKeptInOrderAndBesideTheEnd) {
  constexpr int kAttempts = 17;
  const JobPtr job = submit({.retry = {.retries = 100, .quarantine_after = 0}});
  for (int code = 1; code <= kAttempts; ++code) {
    ASSERT_EQ(next(), job);
    EXPECT_FALSE(ledger_.end_attempt(job, ended(Exited{code}), kNow));
  }
  EXPECT_TRUE(ledger_.cancel(job, kNow));
  ASSERT_EQ(job->attempts().size(), static_cast<std::size_t>(kAttempts));
  for (int code = 1; code <= kAttempts; ++code) {
    const Attempt& attempt = job->attempts()[static_cast<std::size_t>(code - 1)];
    EXPECT_EQ(attempt.number, code);
    EXPECT_EQ(std::get<Exited>(attempt.outcome).code, code);
  }
  EXPECT_EQ(outcome_name(job->outcome()), "cancelled");
}

TEST_F(LedgerTest, AttemptsAreShownWhenTheJobIsDone) {
  const JobPtr job = submit({.retry = {.retries = 1}});
  next();
  ledger_.end_attempt(job, ended(Exited{1}), kNow);
  EXPECT_TRUE(job->attempts().empty());
  next();
  EXPECT_TRUE(job->attempts().empty());
  ledger_.end_attempt(job, ended(Exited{1}), kNow);
  EXPECT_EQ(job->attempts().size(), 2u);
}

TEST_F(LedgerTest, FinishQueuedEndsReadyAndWaitingJobs) {
  const JobPtr waiting = submit({.retry = {.retries = 1, .backoff = 1s}});
  next();
  ledger_.end_attempt(waiting, ended(Raised{}), kNow);
  const JobPtr running = submit();
  next();
  const JobPtr ready = submit();
  ledger_.finish_queued(Cancelled{}, kNow);
  EXPECT_TRUE(waiting->done());
  EXPECT_TRUE(ready->done());
  EXPECT_FALSE(running->done());
  EXPECT_EQ(ledger_.queued(), 0u);
  EXPECT_EQ(ledger_.finished(), 2u);
}

TEST_F(LedgerTest, DoneJobsArePushedInOrderOfCompletion) {
  const auto completions = std::make_shared<CompletionQueue>();
  const JobPtr first = ledger_.submit({.completions = completions, .tag = 1}, kNow);
  const JobPtr second = ledger_.submit({.completions = completions, .tag = 2}, kNow);
  next();
  next();
  EXPECT_TRUE(completions->empty());
  ledger_.end_attempt(second, ended(Returned{}), kNow);
  ledger_.end_attempt(first, ended(Returned{}), kNow);
  const std::vector<JobPtr> done = completions->take_all();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0]->tag(), 2u);
  EXPECT_EQ(done[1]->tag(), 1u);
  EXPECT_TRUE(completions->empty());
}

TEST_F(LedgerTest, DoneJobKeepsNeitherPayloadNorNeedsNorQueue) {
  for (const Outcome& outcome : {Outcome(Returned{}), Outcome(Exited{1})}) {
    const Payload payload = Payload::copy_of(std::string(Payload::kInside + 1, 'x'));
    const auto needs = std::make_shared<const std::vector<DefinitionPtr>>(2);
    const auto completions = std::make_shared<CompletionQueue>();
    const JobPtr job = ledger_.submit({.payload = payload, .needs = needs, .completions = completions}, kNow);
    next();
    ledger_.end_attempt(job, ended(outcome), kNow);
    completions->take_all();
    const std::weak_ptr<const PayloadStorage> storage = payload.storage();
    EXPECT_EQ(storage.use_count(), 1);
    EXPECT_EQ(needs.use_count(), 1);
    EXPECT_EQ(completions.use_count(), 1);
  }
}

Attempt full(Outcome outcome) {
  return {.worker_pid = 7, .started = kNow + 1, .ended = kNow + 3, .outcome = std::move(outcome)};
}

TEST_F(LedgerTest, WhatIsKeptBrieflyIsToldInFull) {
  const JobPtr job = submit();
  next();
  ledger_.end_attempt(job, full(Returned{Payload::copy_of(std::string_view("value"))}), kNow + 4);
  ASSERT_NE(job->value(), nullptr);
  EXPECT_EQ(job->value()->text(), "value");
  ASSERT_EQ(job->attempts().size(), 1u);
  const Attempt& attempt = job->attempts().front();
  EXPECT_EQ(attempt.number, 1);
  EXPECT_EQ(attempt.worker_pid, 7);
  EXPECT_EQ(attempt.started, kNow + 1);
  EXPECT_EQ(attempt.ended, kNow + 3);
  EXPECT_EQ(attempt.cpu_time.count(), -1);
  EXPECT_EQ(attempt.peak_memory, -1);
  EXPECT_EQ(std::get<Returned>(attempt.outcome).value.text(), "value");
  EXPECT_EQ(&job->outcome(), &attempt.outcome);
  EXPECT_EQ(job->value()->text(), "value");
}

TEST_F(LedgerTest, WhatWasMeasuredOrWrittenIsNotLost) {
  Attempt measured = full(Returned{});
  measured.cpu_time = 5ns;
  measured.peak_memory = 6;
  Attempt wrote = full(Returned{});
  wrote.error_output = Payload::copy_of(std::string_view("oh"));
  std::vector<JobPtr> jobs;
  for (const Attempt& attempt : {measured, wrote}) {
    jobs.push_back(submit());
    next();
    ledger_.end_attempt(jobs.back(), attempt, kNow);
    EXPECT_NE(jobs.back()->value(), nullptr);
  }
  EXPECT_EQ(jobs[0]->attempts().front().cpu_time, 5ns);
  EXPECT_EQ(jobs[0]->attempts().front().peak_memory, 6);
  EXPECT_EQ(jobs[1]->attempts().front().error_output.text(), "oh");
}

TEST_F(LedgerTest, OnlyWhatReturnedHasAValue) {
  const JobPtr failed = submit();
  const JobPtr cancelled = submit();
  const JobPtr retried = submit({.retry = {.retries = 1}});
  for (int i = 0; i < 3; ++i) next();
  ledger_.end_attempt(failed, full(Raised{}), kNow);
  ledger_.take_back(cancelled);
  ledger_.cancel(cancelled, kNow);
  ledger_.end_attempt(retried, full(Exited{1}), kNow);
  next();
  ledger_.end_attempt(retried, full(Returned{Payload::copy_of(std::string_view("2nd"))}), kNow);
  EXPECT_EQ(failed->value(), nullptr);
  EXPECT_EQ(cancelled->value(), nullptr);
  EXPECT_TRUE(cancelled->attempts().empty());
  ASSERT_NE(retried->value(), nullptr);
  EXPECT_EQ(retried->value()->text(), "2nd");
  EXPECT_EQ(retried->attempts().size(), 2u);
}

TEST_F(LedgerTest, ThreadsThatAskForAnAttemptAtOnceSeeTheSame) {
  for (int round = 0; round < 200; ++round) {
    const JobPtr job = submit();
    next();
    ledger_.end_attempt(job, full(Returned{Payload::copy_of(std::string_view("value"))}), kNow);
    std::array<const Attempt*, 3> seen{};
    std::vector<std::jthread> threads;
    for (const Attempt*& each : seen) threads.emplace_back([&] { each = job->attempts().data(); });
    threads.clear();
    EXPECT_EQ(seen[0], seen[1]);
    EXPECT_EQ(seen[0], seen[2]);
    EXPECT_EQ(seen[0]->worker_pid, 7);
  }
}

TEST_F(LedgerTest, WatchedJobsAreHandedOutOnce) {
  const JobPtr job = submit();
  const JobPtr other = submit();
  EXPECT_TRUE(ledger_.watch(job));
  EXPECT_TRUE(ledger_.take_watched().empty());
  ledger_.cancel(job, kNow);
  ledger_.cancel(other, kNow);
  EXPECT_EQ(ledger_.take_watched(), std::vector{job});
  EXPECT_TRUE(ledger_.take_watched().empty());
  EXPECT_FALSE(ledger_.watch(job));
}

TEST_F(LedgerTest, CommandsSucceedByExitingWithZero) {
  Ledger commands(1, true);
  const JobPtr job = commands.submit({.options = with({.retry = {.retries = 1}})}, kNow);
  commands.next(kNow);
  EXPECT_TRUE(commands.end_attempt(job, ended(Exited{0}), kNow));
}

TEST_F(LedgerTest, CancelledJobsAreFreedBehindALiveOne) {
  const JobPtr first = submit();
  std::vector<std::weak_ptr<Job>> cancelled;
  for (int i = 0; i < 5000; ++i) {
    const JobPtr job = submit();
    cancelled.push_back(job);
    ledger_.cancel(job, kNow);
  }
  const auto alive = std::ranges::count_if(cancelled, [](const auto& job) { return !job.expired(); });
  EXPECT_LE(alive, 1024);
  EXPECT_EQ(next(), first);
}

TEST_F(LedgerTest, ManyPrioritiesLeaveNothingBehind) {
  for (int priority = 0; priority < 1000; ++priority) submit({.priority = priority});
  for (int priority = 999; priority >= 0; --priority) EXPECT_EQ(next()->options().priority, priority);
  EXPECT_EQ(next(), nullptr);
}

}  // namespace
}  // namespace prong::jobs
