#include "prong/job.h"

#include <algorithm>
#include <bit>

namespace prong {

// With what the allocator and a shared_ptr need it takes 160 bytes; one byte more, and it is 176.
static_assert(sizeof(void*) != 8 || sizeof(Job) <= 136);

const JobOptions& Job::options() const noexcept {
  static const JobOptions defaults;
  return options_ ? *options_ : defaults;
}

// One by one: thousands of jobs that each drop the next one would take as many frames.
Batch::~Batch() {
  JobPtr rest = std::move(items_.rest);
  while (rest && rest.use_count() == 1) {
    JobPtr next = std::move(static_cast<Batch&>(*rest).items_.rest);
    rest = std::move(next);
  }
}

JobSpec Job::spec() const {
  const auto& ahead = std::get<Ahead>(course_);
  return {.payload = payload_,
          .needs = ahead.needs,
          .options = options_,
          .completions = ahead.completions,
          .tag = tag_,
          .items = is_batch() ? calls() : 0};
}

const Payload* Job::value() const {
  if (std::holds_alternative<Brief>(course_)) return &payload_;
  const auto* returned = std::get_if<Returned>(&outcome());
  return returned != nullptr ? &returned->value : nullptr;
}

const Attempt* Job::all_tries() const {
  if (const Attempt* tries = tries_.load(std::memory_order_acquire)) return tries;
  const auto* brief = std::get_if<Brief>(&course_);
  return brief != nullptr ? make_tries(*brief) : nullptr;
}

/// Several threads may ask at the same time: one of them has made it for all.
const Attempt* Job::make_tries(const Brief& brief) const {
  std::unique_ptr<Attempt[]> made(new Attempt[1]{
      {.worker_pid = brief.worker_pid, .started = brief.started, .ended = brief.ended, .outcome = Returned{payload_}}});
  Attempt* found = nullptr;
  return tries_.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel) ? made.release() : found;
}

void Job::add_try(Attempt&& attempt) {
  const std::size_t before = tries() - 1;
  Attempt* tries = tries_.load(std::memory_order_relaxed);
  if (before == 0 || std::has_single_bit(before)) {
    auto roomier = std::make_unique<Attempt[]>(std::max<std::size_t>(2 * before, 1));
    std::move(tries, tries + before, roomier.get());
    delete[] std::exchange(tries, roomier.release());
    tries_.store(tries, std::memory_order_relaxed);
  }
  tries[before] = std::move(attempt);
}

bool Job::may_be_brief(const Attempt& attempt) const noexcept {
  const bool only = attempts_begun_ == 1 && !ended_without_attempt_;
  const bool measured = attempt.cpu_time.count() >= 0 || attempt.peak_memory >= 0;
  const bool wrote = !attempt.output.empty() || !attempt.error_output.empty();
  return only && !measured && !wrote && std::holds_alternative<Returned>(attempt.outcome);
}

std::shared_ptr<CompletionQueue> Job::settle(Attempt&& last) {
  if (may_be_brief(last)) {
    payload_ = std::move(std::get<Returned>(last.outcome).value);
    const Brief brief{.started = last.started, .ended = last.ended, .worker_pid = last.worker_pid};
    return std::get<Ahead>(std::exchange(course_, brief)).completions;
  }
  add_try(std::move(last));
  payload_ = Payload();
  return std::get<Ahead>(std::exchange(course_, Ahead{})).completions;
}

JobPtr Job::item(std::uint32_t number, Outcome outcome) const {
  auto item = std::make_shared<Job>(id_ + number - items()->first, JobSpec{.options = options_});
  item->submitted_ = submitted_;
  item->finished_ = finished_;
  if (attempts().empty()) {
    item->ended_without_attempt_ = true;
    item->settle({.outcome = std::move(outcome)});
  } else {
    const Attempt& attempt = attempts().back();
    item->attempts_begun_ = 1;
    item->settle({.number = attempt.number,
                  .worker_pid = attempt.worker_pid,
                  .started = attempt.started,
                  .ended = attempt.ended,
                  .outcome = std::move(outcome)});
  }
  item->state_.store(State::kDone, std::memory_order_release);
  return item;
}

void CompletionQueue::push(JobPtr job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
}

std::vector<JobPtr> CompletionQueue::take_all() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

bool CompletionQueue::empty() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty();
}

}  // namespace prong
