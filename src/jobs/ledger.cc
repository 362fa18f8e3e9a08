#include "jobs/ledger.h"

#include <algorithm>

#include "base/check.h"

namespace prong::jobs {
namespace {

// Cancelled jobs stay in the queues until they are passed over. More of them than this, and more than of live ones,
// are swept out, so that memory is bounded and a sweep is paid for by the cancellations before it.
constexpr std::uint64_t kSweepAbove = 1024;

/// Of a batch: what ends worker after worker before the first item begins is a matter of the batch.
constexpr int kMostFailedStarts = 2;

MonotonicNs later(MonotonicNs now, std::chrono::nanoseconds wait) noexcept {
  MonotonicNs sum = 0;
  return __builtin_add_overflow(now, wait.count(), &sum) ? INT64_MAX : sum;
}

}  // namespace

Ledger::Ledger(std::uint64_t seed, bool is_command) : is_command_(is_command), random_(seed) {}

JobPtr Ledger::submit(JobSpec spec, MonotonicNs now) {
  if (spec.options && !spec.options->key.empty()) {
    const auto known = by_key_.find(spec.options->key);
    if (known != by_key_.end()) return known->second;
  }
  const std::uint32_t items = spec.items;
  const JobPtr job = items == 0 ? std::make_shared<Job>(submitted_ + 1, std::move(spec))
                                : std::make_shared<Batch>(submitted_ + 1, std::move(spec), Items{.count = items});
  submitted_ += job->calls();
  job->submitted_ = now;
  // The key lives in the job's own options, as long as the job is in the table.
  if (!job->options().key.empty()) by_key_.emplace(job->options().key, job);
  const auto queue_time = job->options().queue_time;
  if (queue_time.count() > 0) expiries_.emplace(std::pair(later(now, queue_time), job.get()), job);
  ready_.add_new(JobPtr(job));
  queued_ += job->calls();
  return job;
}

void Ledger::admit(JobPtr&& job) {
  PRONG_CHECK(job->id_ == next_id());
  ready_.add_new(std::move(job));
  ++submitted_;
  ++queued_;
}

void Ledger::admit_due(MonotonicNs now) {
  while (JobPtr job = waiting_.take_due(now)) ready_.add_back(std::move(job));
}

JobPtr Ledger::next(MonotonicNs now) {
  admit_due(now);
  JobPtr job = ready_.take_front();
  if (!job) return nullptr;
  ++job->attempts_begun_;
  queued_ -= job->calls();
  dispatched_ += job->calls();
  job->state_.store(Job::State::kDispatched, std::memory_order_release);
  return job;
}

const Job* Ledger::peek(MonotonicNs now) {
  admit_due(now);
  const JobPtr* job = ready_.front();
  return job ? job->get() : nullptr;
}

void Ledger::leave_dispatched(Job& job) {
  PRONG_CHECK(job.state() == Job::State::kDispatched);
  dispatched_ -= job.calls();
}

void Ledger::take_back(const JobPtr& job) {
  leave_dispatched(*job);
  --job->attempts_begun_;
  queued_ += job->calls();
  job->state_.store(Job::State::kQueued, std::memory_order_release);
  ready_.add_back(job);
}

void Ledger::add_results(Job& job, std::uint32_t count, Payload results) {
  job.own_items().ended += count;
  job.own_items().results.push_back(std::move(results));
}

bool Ledger::take_back_unbegun(const JobPtr& job) {
  if (++job->own_items().failed_starts > kMostFailedStarts) return false;
  take_back(job);
  return true;
}

void Ledger::split(const JobPtr& job, std::uint32_t at) {
  PRONG_CHECK(job->state() == Job::State::kDispatched);
  Items& items = job->own_items();
  PRONG_CHECK(at > items.first);  // it keeps something to run: else it could be handed about for ever
  const std::uint32_t kept = at - items.first;
  const JobPtr rest = std::make_shared<Batch>(
      job->id_ + kept, job->spec(), Items{.first = at, .count = items.count - kept, .rest = std::move(items.rest)});
  rest->submitted_ = job->submitted_;
  items.count = kept;
  dispatched_ -= rest->calls();
  queued_ += rest->calls();
  ready_.add_back(rest);
  items.rest = rest;
}

void Ledger::end_dispatched(Job& job, Attempt& attempt) {
  leave_dispatched(job);
  attempt.number = static_cast<int>(job.attempts_begun_);
}

bool Ledger::end_attempt(const JobPtr& job, Attempt attempt, MonotonicNs now) {
  end_dispatched(*job, attempt);
  const RetryPolicy& policy = job->options().retry;
  if (!job->withdrawn_ && may_retry(policy, attempt.outcome, attempt_number(*job) - 1, is_command_)) {
    job->quarantined_ = ends_workers(*job, attempt);
    if (!job->quarantined_) {
      forget_expiry(*job);
      job->add_try(std::move(attempt));
      try_again(job, backoff_before(policy, attempt_number(*job), draw()), now);
      return false;
    }
  }
  finish(job, std::move(attempt), now);
  return true;
}

/// As often as the policy bears.
bool Ledger::ends_workers(const Job& job, const Attempt& last) const {
  const int limit = job.options().retry.quarantine_after;
  if (is_command_ || limit == 0) return false;
  const auto ends_it = [](const Attempt& attempt) { return ended_its_worker(attempt.outcome); };
  const auto earlier = job.ended_attempts().first(static_cast<std::size_t>(last.number - 1));
  return std::ranges::count_if(earlier, ends_it) + (ends_it(last) ? 1 : 0) >= limit;
}

void Ledger::end_finally(const JobPtr& job, Attempt attempt, MonotonicNs now) {
  end_dispatched(*job, attempt);
  finish(job, std::move(attempt), now);
}

void Ledger::try_again(const JobPtr& job, std::chrono::nanoseconds wait, MonotonicNs now) {
  queued_ += job->calls();
  job->state_.store(Job::State::kQueued, std::memory_order_release);
  if (wait.count() > 0)
    waiting_.add(job, later(now, wait));
  else
    ready_.add_back(job);
}

void Ledger::finish_queued_job(const JobPtr& job, const Outcome& outcome, MonotonicNs now) {
  queued_ -= job->calls();
  job->ended_without_attempt_ = true;
  finish(job, {.outcome = outcome}, now);
}

void Ledger::finish(const JobPtr& job, Attempt&& last, MonotonicNs now) {
  forget_expiry(*job);
  if (!job->options().key.empty()) by_key_.erase(job->options().key);
  // The queue will own the job: a job that owned its queue would never be freed.
  const auto completions = job->settle(std::move(last));
  job->finished_ = now;
  finished_ += job->calls();
  // Pairs with the acquire in Job::state: whoever sees kDone sees every field above.
  job->state_.store(Job::State::kDone, std::memory_order_release);
  if (completions) completions->push(job);
  if (job->watched_.load(std::memory_order_relaxed)) watched_.push_back(job);
}

bool Ledger::cancel(const JobPtr& job, MonotonicNs now) {
  if (job->state() == Job::State::kQueued) {
    finish_queued_job(job, Cancelled{}, now);
    waiting_.pass_over_done();
    sweep_if_due();
    return true;
  }
  return job->done() && job->was_cancelled();
}

std::optional<MonotonicNs> Ledger::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first.first;
}

std::vector<JobPtr> Ledger::expire(MonotonicNs now) {
  std::vector<JobPtr> given;
  while (!expiries_.empty() && expiries_.begin()->first.first <= now) {
    const JobPtr job = expiries_.begin()->second;
    if (job->state() == Job::State::kQueued) {
      expire_queued(job, now);
    } else {
      expiries_.erase(expiries_.begin());
      given.push_back(job);
    }
  }
  return given;
}

void Ledger::expire_queued(const JobPtr& job, MonotonicNs now) {
  finish_queued_job(job, TimedOut{.limit = Limit::kQueueTime, .allowed = job->options().queue_time}, now);
  sweep_if_due();
}

void Ledger::forget_expiry(Job& job) {
  const auto queue_time = job.options().queue_time;
  if (queue_time.count() > 0) expiries_.erase({later(job.submitted_, queue_time), &job});
}

void Ledger::sweep_if_due() {
  ++cancelled_since_sweep_;
  if (cancelled_since_sweep_ < kSweepAbove || cancelled_since_sweep_ < queued_) return;
  cancelled_since_sweep_ = 0;
  ready_.forget_done();
  waiting_.forget_done();
}

void Ledger::finish_queued(const Outcome& outcome, MonotonicNs now) {
  for (const JobPtr& job : ready_.take_all()) finish_queued_job(job, outcome, now);
  for (const JobPtr& job : waiting_.take_all()) finish_queued_job(job, outcome, now);
}

int Ledger::attempt_number(const Job& job) noexcept {
  return static_cast<int>(job.attempts_begun_);
}

bool Ledger::watch(const JobPtr& job) {
  if (job->done()) return false;
  job->watched_.store(true, std::memory_order_relaxed);
  return true;
}

std::vector<JobPtr> Ledger::take_watched() {
  return std::exchange(watched_, {});
}

std::optional<MonotonicNs> Ledger::next_retry() const {
  return waiting_.next_due();
}

bool Ledger::has_ready(MonotonicNs now) {
  return peek(now) != nullptr;
}

double Ledger::draw() {
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace prong::jobs
