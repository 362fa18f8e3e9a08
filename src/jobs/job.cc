#include "prong/job.h"

namespace prong {

const JobOptions& Job::options() const noexcept {
  static const JobOptions defaults;
  return spec_.options ? *spec_.options : defaults;
}

// One by one: thousands of jobs that each drop the next one would take as many frames.
Job::~Job() {
  JobPtr rest = items_ ? std::move(items_->rest) : nullptr;
  while (rest && rest.use_count() == 1) {
    JobPtr next = rest->items_ ? std::move(rest->items_->rest) : nullptr;
    rest = std::move(next);
  }
}

JobPtr Job::item(std::uint32_t number, Outcome outcome) const {
  auto item = std::make_shared<Job>(id_ + number - items_->first, JobSpec{.options = spec_.options});
  item->submitted_ = submitted_;
  item->finished_ = finished_;
  if (attempts_.empty()) {
    item->ended_without_attempt_ = std::make_unique<const Outcome>(std::move(outcome));
  } else {
    const Attempt& attempt = attempts_.back();
    item->attempts_.push_back({.number = attempt.number,
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
