#include "jobs/intake.h"

#include <utility>

#include "base/check.h"

namespace prong::jobs {

namespace {

bool is_plain(const JobOptions& options) noexcept {
  const bool measured = options.cpu_time.count() > 0 || options.memory > 0 || options.output > 0;
  const bool exclusive = options.fresh || options.leftovers == Leftovers::kKill;
  return !measured && !exclusive && options.queue_time.count() == 0 && options.key.empty();
}

}  // namespace

bool is_plain(const JobSpec& spec) noexcept {
  return spec.items == 0 && (!spec.options || is_plain(*spec.options));
}

bool is_plain(const Job& job) noexcept {
  return job.items() == nullptr && is_plain(job.options());
}

/// Not under the lock: it may take long.
JobPtr Intake::make(JobSpec& spec, MonotonicNs now) {
  auto job = std::make_shared<Job>(JobId{0}, std::move(spec));
  job->submitted_ = now;
  return job;
}

JobPtr Intake::try_add(JobSpec& spec, MonotonicNs now) {
  if (!is_open()) return nullptr;
  JobPtr job = make(spec, now);
  const std::lock_guard lock(mutex_);
  if (!has_room(1)) {
    spec = job->spec();
    return nullptr;
  }
  jobs_.push_back(job);
  job->id_ = next_++;
  return job;
}

std::vector<JobPtr> Intake::try_add_all(std::span<JobSpec> specs, MonotonicNs now) {
  if (!is_open() || specs.size() > kMost) return {};
  std::vector<JobPtr> jobs;
  jobs.reserve(specs.size());
  for (JobSpec& spec : specs) jobs.push_back(make(spec, now));
  const std::lock_guard lock(mutex_);
  if (!has_room(jobs.size())) {
    for (std::size_t i = 0; i < jobs.size(); ++i) specs[i] = jobs[i]->spec();
    return {};
  }
  jobs_.insert(jobs_.end(), jobs.begin(), jobs.end());
  for (const JobPtr& job : jobs) job->id_ = next_++;
  return jobs;
}

std::size_t Intake::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Intake::open(JobId next) {
  const std::lock_guard lock(mutex_);
  PRONG_CHECK(!is_open() && jobs_.empty() && !has_left());
  open_.store(true, std::memory_order_relaxed);
  next_ = next;
}

bool Intake::close_if_empty() {
  const std::lock_guard lock(mutex_);
  if (!jobs_.empty() || has_left()) return false;
  open_.store(false, std::memory_order_relaxed);
  return true;
}

void Intake::close() {
  const std::lock_guard lock(mutex_);
  open_.store(false, std::memory_order_relaxed);
}

void Intake::take_more() {
  taken_.clear();
  next_taken_ = 0;
  const std::lock_guard lock(mutex_);
  taken_.swap(jobs_);
}

}  // namespace prong::jobs
