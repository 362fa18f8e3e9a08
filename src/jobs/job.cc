#include "prong/job.h"

namespace prong {

const JobOptions& Job::options() const noexcept {
  static const JobOptions defaults;
  return spec_.options ? *spec_.options : defaults;
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
