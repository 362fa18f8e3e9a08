// ReadyQueue: jobs that may run now, by (priority descending, job id ascending). Coordinator process; one thread at a
// time.
//
// The common case, one priority and jobs that come in the order of their ids, costs O(1) in both directions. Jobs that
// come back (taken back, or to be tried again) go through a heap beside it. A job that was cancelled stays where it is
// until it is passed over, or until forget_done().
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "prong/job.h"

namespace prong::jobs {

class ReadyQueue {
 public:
  /// Requires that `job` has a higher id than every job that was added before. If this throws, it is still the
  /// caller's.
  void add_new(JobPtr&& job);
  /// A job with any id, back to its place in the order.
  void add_back(JobPtr job);

  /// The first job that is not done; null if there is none.
  const JobPtr* front();
  /// Takes what front() gives; null if there is none.
  JobPtr take_front();

  /// Drops the jobs that are done.
  void forget_done();
  /// All jobs that are not done, in order; leaves the queue empty.
  std::vector<JobPtr> take_all();

 private:
  struct Lane {
    std::deque<JobPtr> fresh;       // ids ascending
    std::vector<JobPtr> came_back;  // heap: lowest id on top

    bool empty() const { return fresh.empty() && came_back.empty(); }
    bool came_back_is_first() const;
    const JobPtr& first() const;
    JobPtr take_first();
    void forget_done();
  };

  Lane* first_lane();

  std::map<int, Lane, std::greater<>> lanes_;
};

}  // namespace prong::jobs
