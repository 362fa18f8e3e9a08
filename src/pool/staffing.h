// Staffing: how many workers a pool has, when the next ones start, and which of them goes. Coordinator process; guarded
// by the pool's lock.
#pragma once

#include <cstdint>
#include <optional>

#include "jobs/ledger.h"
#include "pool/crew.h"

namespace prong::pool {

class Staffing {
 public:
  /// What the pool has before it.
  enum class Need {
    kWhateverComes,  ///< it takes jobs
    kWhatIsQueued,   ///< it is closed, and some are left
    kNothing,        ///< they are done, or the pool has failed
  };

  /// `cpus`: as many as this pool may use.
  Staffing(const PoolOptions& options, jobs::Ledger& ledger, Crew& crew, int cpus)
      : options_(options), ledger_(ledger), crew_(crew), cpus_(cpus) {}

  /// Throws UsageError.
  void resize(int workers);
  /// A worker has answered: the others need not wait any longer.
  void end_head_start() noexcept { head_start_until_ = 0; }
  /// Starts those that are missing. True: somebody may be given a job now.
  bool fill_up(Need need, MonotonicNs now);
  /// A fresh job needs a worker that has run nothing: if all places are taken by idle used ones, one of them goes.
  void make_room_for_fresh_job(MonotonicNs now);
  /// Sends idle workers away: those that have served long enough, that are too many, and all when there is nothing to
  /// come (`over`).
  void retire(bool over, MonotonicNs now);
  /// When something is to be done though nothing happened; nothing: never.
  std::optional<MonotonicNs> next_deadline(Need need, MonotonicNs now);

 private:
  bool sends_idle_away() const noexcept { return options_.idle_timeout.count() != 0; }
  bool is_spent(WorkerLink& link, MonotonicNs now) const;
  static void note_idle(WorkerLink& link, MonotonicNs now);
  void dismiss_idle(WorkerLink& link, MonotonicNs now);
  int wanted(Need need, MonotonicNs now);
  int wanted_early(MonotonicNs now) const;
  int wanted_on_demand(Need need, MonotonicNs now);

  static constexpr MonotonicNs kNotBegun = INT64_MAX;

  const PoolOptions& options_;
  jobs::Ledger& ledger_;
  Crew& crew_;
  int cpus_;
  MonotonicNs head_start_until_ = kNotBegun;  ///< when the workers beyond the CPUs are started
};

}  // namespace prong::pool
