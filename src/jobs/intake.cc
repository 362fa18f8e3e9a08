#include "jobs/intake.h"

#include <utility>

#include "base/check.h"

namespace prong::jobs {

bool is_plain(const JobSpec& spec) noexcept {
  if (spec.items != 0) return false;
  if (!spec.options) return true;
  const JobOptions& options = *spec.options;
  const bool measured = options.cpu_time.count() > 0 || options.memory > 0 || options.output > 0;
  const bool exclusive = options.fresh || options.leftovers == Leftovers::kKill;
  return !measured && !exclusive && options.queue_time.count() == 0 && options.key.empty();
}

JobPtr Intake::try_add(JobSpec& spec, MonotonicNs now) {
  if (!is_open()) return nullptr;
  auto job = std::make_shared<Job>(JobId{0}, std::move(spec));  // not under the lock: it may take long
  job->submitted_ = now;
  const std::lock_guard lock(mutex_);
  if (!is_open() || jobs_.size() == kMost) {
    spec = std::move(job->spec_);
    return nullptr;
  }
  jobs_.push_back(job);
  job->id_ = next_++;
  return job;
}

std::size_t Intake::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Intake::open(JobId next) {
  const std::lock_guard lock(mutex_);
  PRONG_CHECK(!is_open() && jobs_.empty());
  open_.store(true, std::memory_order_relaxed);
  next_ = next;
}

bool Intake::close_if_empty() {
  const std::lock_guard lock(mutex_);
  if (!jobs_.empty()) return false;
  open_.store(false, std::memory_order_relaxed);
  return true;
}

void Intake::close() {
  const std::lock_guard lock(mutex_);
  open_.store(false, std::memory_order_relaxed);
}

std::vector<JobPtr>& Intake::take() {
  taken_.clear();
  const std::lock_guard lock(mutex_);
  taken_.swap(jobs_);
  return taken_;
}

}  // namespace prong::jobs
