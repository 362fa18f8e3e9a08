#include "cli/queue/queue_jobs.h"

namespace prong::cli {
namespace {

std::int64_t place_of(const std::string& options) {
  return -std::int64_t{queued_options_of(options).priority};
}

}  // namespace

QueueJobs::QueueJobs(const std::string& path, const RunDescription& queue, const JournalOptions& options)
    : journal_(path, queue, options) {
  journal_.try_writing();  // all in one transaction: else each reading takes the file's lock
  for (const std::uint64_t number : journal_.all(JobState::kQueued)) {
    try {
      set_place(number, place_of(journal_.options(number)));  // one at a time: there may be a million
    } catch (const std::exception& error) {                   // of another version
      journal_.end(number, Lost{.reason = LostReason::kStartFailed, .detail = error.what()}, JobState::kFailed);
    }
  }
  counts_ = {.queued = places_.size(),
             .running = journal_.count(JobState::kDispatched),
             .done = journal_.count(JobState::kDone),
             .failed = journal_.count(JobState::kFailed),
             .forgotten_failures = journal_.forgotten_failures()};
  for (const std::uint64_t number : journal_.all(JobState::kDispatched)) interrupt(number, if_lost(number));
  commit();
}

void QueueJobs::commit() {
  journal_.commit();
  moves_.clear();
  committed_counts_ = counts_;
}

void QueueJobs::roll_back() {
  journal_.roll_back();
  for (; !moves_.empty(); moves_.pop_back()) set_place(moves_.back().first, moves_.back().second);
  counts_ = committed_counts_;
}

void QueueJobs::close() {
  journal_.close(0);
  commit();
}

IfLost QueueJobs::if_lost(std::uint64_t number) {
  try {
    const QueuedOptions options = queued_options_of(journal_.options(number));
    return options.withdrawn ? IfLost::kFail : options.if_lost;
  } catch (const std::exception&) {  // of another version
    return IfLost::kFail;
  }
}

void QueueJobs::wait_for_turn(std::uint64_t number, const std::string& options) {
  move(number, place_of(options));
}

QueueJobs::Place QueueJobs::set_place(std::uint64_t number, Place place) {
  Place before;
  if (const auto found = places_.find(number); found != places_.end()) {
    before = found->second;
    backlog_.erase({found->second, number});
    places_.erase(found);
  }
  if (place) {
    backlog_.emplace(*place, number);
    places_.emplace(number, *place);
  }
  return before;
}

std::uint64_t QueueJobs::add(const SubmittedJob& job) {
  const std::uint64_t last = journal_.last();
  const std::uint64_t number = journal_.add(job);
  if (number <= last) return number;  // its ticket was there
  wait_for_turn(number, job.options);
  ++counts_.queued;
  return number;
}

std::optional<TakenJob> QueueJobs::take() {
  if (backlog_.empty()) return std::nullopt;
  const std::uint64_t number = backlog_.begin()->second;
  move(number, std::nullopt);
  --counts_.queued;
  ++counts_.running;
  return journal_.take(number);
}

void QueueJobs::end(std::uint64_t number, const Job& job, bool succeeded, std::string_view returned) {
  journal_.end(number, job, succeeded ? JobState::kDone : JobState::kFailed, returned);
  --counts_.running;
  ++(succeeded ? counts_.done : counts_.failed);
}

void QueueJobs::fail(std::uint64_t number, const Outcome& outcome) {
  journal_.end(number, outcome, JobState::kFailed);
  --counts_.running;
  ++counts_.failed;
}

void QueueJobs::put_back(std::uint64_t number) {
  wait_for_turn(number, journal_.options(number));
  journal_.put_back(number);
  --counts_.running;
  ++counts_.queued;
}

void QueueJobs::interrupt(std::uint64_t number, IfLost if_lost) {
  fail(number, Lost{.reason = LostReason::kWorkerLost, .detail = "the queue's server ended while it ran"});
  if (if_lost == IfLost::kRetry) retry(number);
}

bool QueueJobs::cancel(std::uint64_t number) {
  if (!waits(number)) return false;
  move(number, std::nullopt);
  journal_.end(number, Cancelled{}, JobState::kFailed);
  --counts_.queued;
  ++counts_.failed;
  return true;
}

void QueueJobs::withdraw(std::uint64_t number) {
  journal_.set_options(number, withdrawn_options(journal_.options(number), true));
}

bool QueueJobs::retry(std::uint64_t number) {
  if (state(number) != JobState::kFailed) return false;
  const std::string options = journal_.options(number);
  wait_for_turn(number, options);  // first: it throws for options of another version
  if (queued_options_of(options).withdrawn) journal_.set_options(number, withdrawn_options(options, false));
  journal_.put_back(number);
  --counts_.failed;
  ++counts_.queued;
  return true;
}

QueueJobs::Counts QueueJobs::forget(std::chrono::nanoseconds ago, bool failed_too) {
  const Counts forgotten{.done = journal_.forget(JobState::kDone, ago),
                         .failed = failed_too ? journal_.forget(JobState::kFailed, ago) : 0};
  counts_.done -= forgotten.done;
  counts_.failed -= forgotten.failed;
  counts_.forgotten_failures += forgotten.failed;
  return forgotten;
}

std::vector<std::uint64_t> QueueJobs::waiting() const {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(backlog_.size());
  for (const auto& [place, number] : backlog_) numbers.push_back(number);
  return numbers;
}

}  // namespace prong::cli
