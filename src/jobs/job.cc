#include "prong/job.h"

#include <algorithm>
#include <bit>

namespace prong {

// With what the allocator and a shared_ptr need it takes 144 bytes; one byte more, and it is 160.
static_assert(sizeof(void*) != 8 || sizeof(Job) <= 120);

const JobOptions& Job::options() const noexcept {
  static const JobOptions defaults;
  return spec_.options ? *spec_.options : defaults;
}

// One by one: thousands of jobs that each drop the next one would take as many frames.
Batch::~Batch() {
  JobPtr rest = std::move(items_.rest);
  while (rest && rest.use_count() == 1) {
    JobPtr next = std::move(static_cast<Batch&>(*rest).items_.rest);
    rest = std::move(next);
  }
}

void Job::add_try(Attempt&& attempt) {
  const std::size_t before = tries() - 1;
  if (before == 0) {  // nearly always the only one: made in its place
    tries_.reset(new Attempt[1]{std::move(attempt)});
    return;
  }
  if (std::has_single_bit(before)) {
    auto roomier = std::make_unique<Attempt[]>(2 * before);
    std::move(tries_.get(), tries_.get() + before, roomier.get());
    tries_ = std::move(roomier);
  }
  tries_[before] = std::move(attempt);
}

JobPtr Job::item(std::uint32_t number, Outcome outcome) const {
  auto item = std::make_shared<Job>(id_ + number - items()->first, JobSpec{.options = spec_.options});
  item->submitted_ = submitted_;
  item->finished_ = finished_;
  if (attempts().empty()) {
    item->ended_without_attempt_ = true;
    item->add_try({.outcome = std::move(outcome)});
  } else {
    const Attempt& attempt = attempts().back();
    item->attempts_begun_ = 1;
    item->add_try({.number = attempt.number,
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
