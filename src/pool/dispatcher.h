// Dispatcher: which worker gets which job, and when. Prefers idle workers; keeps a few requests ahead in each channel
// while jobs are short, none when they are long, and takes requests back from behind a job that turns out to be long.
// Coordinator process; guarded by the pool's lock.
#pragma once

#include <chrono>
#include <vector>

#include "jobs/intake.h"
#include "jobs/ledger.h"
#include "os/cpus.h"
#include "pool/crew.h"

namespace prong::pool {

class Dispatcher {
 public:
  Dispatcher(const PoolOptions& options, jobs::Ledger& ledger, Crew& crew)
      : options_(options), ledger_(ledger), crew_(crew), cpus_(os::fair_share_of_cpus()) {}

  /// Hands out jobs for as long as there are jobs and room, then wakes who got some.
  void dispatch(MonotonicNs now);
  /// Whether the last dispatch left a plain job queued because every worker has as much as it gets, so that no other
  /// plain one can begin until something ends, or, if only some of the workers are used, until next_look().
  bool all_full() const noexcept { return all_full_; }
  /// Whether jobs take microseconds, as far as is known.
  bool short_jobs() const noexcept;
  /// A job ran for this long.
  void note_duration(std::chrono::nanoseconds duration) noexcept;
  /// Takes back what is queued behind jobs that run longer than expected.
  void take_back_behind_long_jobs(MonotonicNs now);
  void take_back_all(WorkerLink& link);
  /// When to look again whether a job runs longer than expected; 0: not needed.
  MonotonicNs next_look(MonotonicNs now) const noexcept;

  /// Requests to keep in a channel, the running one included.
  std::size_t depth() const noexcept;
  /// As many as this pool may use.
  int cpus() const noexcept { return cpus_; }

 private:
  bool usable(const WorkerLink& link, const Job& job) const noexcept;
  int most_in_use(const Job& job) const noexcept;
  static bool comes_along(const WorkerLink& link, MonotonicNs now);
  WorkerLink* choose(const Job& job, MonotonicNs now) noexcept;
  double begins_after_ns(const WorkerLink& link) const noexcept;
  bool push(WorkerLink& link, const JobPtr& job, MonotonicNs now);
  void take_items_away(WorkerLink& link, std::uint32_t from);
  bool someone_idles() const noexcept;
  MonotonicNs patience() const noexcept;
  MonotonicNs loses_patience_at(WorkerLink& link, MonotonicNs now) const noexcept;
  void share_items(MonotonicNs now);
  bool hand_out(WorkerLink& link, const JobPtr& job, MonotonicNs now);

  const PoolOptions& options_;
  jobs::Ledger& ledger_;
  Crew& crew_;
  int cpus_;
  std::vector<WorkerLink*> to_wake_;  ///< of the dispatch that goes on
  bool all_full_ = false;
  bool refused_by_idle_ = false;  ///< a worker without work had no room for a job: nothing of it will say when it has
  double mean_duration_ns_ = 0;   ///< of recent jobs; 0: not known yet
};

/// A job whose worker ends with it, so that nothing that it started is left.
inline bool is_exclusive(const JobOptions& options) noexcept {
  return options.fresh || options.leftovers == Leftovers::kKill;
}

}  // namespace prong::pool
