#include "jobs/ready_queue.h"

#include <algorithm>

namespace prong::jobs {
namespace {

// Empty lanes are kept up to this number, so that a queue that is often empty does not allocate each time.
constexpr std::size_t kSpareLanes = 8;

struct LaterId {
  bool operator()(const JobPtr& a, const JobPtr& b) const noexcept { return a->id() > b->id(); }
};

bool is_done(const JobPtr& job) noexcept {
  return job->done();
}

}  // namespace

bool ReadyQueue::Lane::came_back_is_first() const {
  if (came_back.empty()) return false;
  return fresh.empty() || came_back.front()->id() < fresh.front()->id();
}

const JobPtr& ReadyQueue::Lane::first() const {
  return came_back_is_first() ? came_back.front() : fresh.front();
}

JobPtr ReadyQueue::Lane::take_first() {
  JobPtr job;
  if (came_back_is_first()) {
    std::ranges::pop_heap(came_back, LaterId{});
    job = std::move(came_back.back());
    came_back.pop_back();
  } else {
    job = std::move(fresh.front());
    fresh.pop_front();
  }
  return job;
}

void ReadyQueue::Lane::forget_done() {
  std::erase_if(fresh, is_done);
  std::erase_if(came_back, is_done);
  std::ranges::make_heap(came_back, LaterId{});
}

void ReadyQueue::add_new(JobPtr&& job) {
  const int priority = job->options().priority;
  lanes_[priority].fresh.push_back(std::move(job));
}

void ReadyQueue::add_back(JobPtr job) {
  std::vector<JobPtr>& heap = lanes_[job->options().priority].came_back;
  heap.push_back(std::move(job));
  std::ranges::push_heap(heap, LaterId{});
}

// The first lane that holds a job which is not done, with that job first in it.
ReadyQueue::Lane* ReadyQueue::first_lane() {
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    while (!lane->second.empty() && lane->second.first()->done()) lane->second.take_first();
    if (!lane->second.empty()) return &lane->second;
    lane = lanes_.size() > kSpareLanes ? lanes_.erase(lane) : std::next(lane);
  }
  return nullptr;
}

const JobPtr* ReadyQueue::front() {
  const Lane* lane = first_lane();
  return lane ? &lane->first() : nullptr;
}

JobPtr ReadyQueue::take_front() {
  Lane* lane = first_lane();
  return lane ? lane->take_first() : nullptr;
}

void ReadyQueue::forget_done() {
  for (auto& [priority, lane] : lanes_) lane.forget_done();
}

std::vector<JobPtr> ReadyQueue::take_all() {
  std::vector<JobPtr> all;
  while (JobPtr job = take_front()) all.push_back(std::move(job));
  return all;
}

}  // namespace prong::jobs
