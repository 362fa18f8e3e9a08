// WaitingRoom: jobs that wait for their back-off, by the time at which they may be tried again. Coordinator process;
// one thread at a time. The first one is never a job that is done, so that nobody wakes up for it.
#pragma once

#include <optional>
#include <vector>

#include "prong/job.h"

namespace prong::jobs {

class WaitingRoom {
 public:
  void add(JobPtr job, MonotonicNs due);
  /// Takes a job that is due; null if there is none.
  JobPtr take_due(MonotonicNs now);
  /// When the first job is due.
  std::optional<MonotonicNs> next_due() const;

  /// To be called when a job here may have become done.
  void pass_over_done();
  /// Drops all jobs that are done.
  void forget_done();
  /// All jobs that are not done; leaves the room empty.
  std::vector<JobPtr> take_all();

 private:
  struct Entry {
    MonotonicNs due;
    JobPtr job;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const noexcept { return a.due > b.due; }
  };

  JobPtr take_first();

  std::vector<Entry> heap_;
};

}  // namespace prong::jobs
