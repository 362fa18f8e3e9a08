#include "jobs/waiting_room.h"

#include <algorithm>

namespace prong::jobs {

void WaitingRoom::add(JobPtr job, MonotonicNs due) {
  heap_.push_back({due, std::move(job)});
  std::ranges::push_heap(heap_, Later{});
}

JobPtr WaitingRoom::take_first() {
  std::ranges::pop_heap(heap_, Later{});
  JobPtr job = std::move(heap_.back().job);
  heap_.pop_back();
  return job;
}

JobPtr WaitingRoom::take_due(MonotonicNs now) {
  if (heap_.empty() || heap_.front().due > now) return nullptr;
  JobPtr job = take_first();
  pass_over_done();
  return job;
}

std::optional<MonotonicNs> WaitingRoom::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().due;
}

void WaitingRoom::pass_over_done() {
  while (!heap_.empty() && heap_.front().job->done()) take_first();
}

void WaitingRoom::forget_done() {
  std::erase_if(heap_, [](const Entry& entry) { return entry.job->done(); });
  std::ranges::make_heap(heap_, Later{});
}

std::vector<JobPtr> WaitingRoom::take_all() {
  std::vector<JobPtr> all;
  while (!heap_.empty()) {
    JobPtr job = take_first();
    if (!job->done()) all.push_back(std::move(job));
  }
  return all;
}

}  // namespace prong::jobs
