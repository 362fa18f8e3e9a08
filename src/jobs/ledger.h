// Ledger: which jobs there are and what became of them. Pure logic: no processes, no system calls, time is an argument.
//
//              submit                     next                    end_attempt: final
//   (nothing) ───────> queued ──────────────────> dispatched ────────────────────────> done
//                        ▲  ▲   take_back (free of charge)  │ │                          ▲
//                        │  └───────────────────────────────┘ │ end_attempt: retry       │
//                        └──── waiting until its back-off ◄───┘                          │
//                                     └────────────── cancel ────────────────────────────┘
//
// Coordinator process; guarded by the pool's lock (Job::state and everything it publishes may be read without).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jobs/ready_queue.h"
#include "jobs/waiting_room.h"
#include "prong/job.h"

namespace prong::jobs {

class Ledger {
 public:
  /// `seed`: of the jitter. `is_command`: whether Exited{0} is success (commands) or a lost worker (functions).
  explicit Ledger(std::uint64_t seed, bool is_command = false);

  /// A new job, or the queued or running one with the same key.
  JobPtr submit(JobSpec spec, MonotonicNs now);
  /// A job that an Intake has made. Requires that it is plain, and that its id is the next one. If this throws, `job`
  /// is still the caller's.
  void admit(JobPtr&& job);
  /// What the next new job gets.
  JobId next_id() const noexcept { return submitted_ + 1; }

  /// Takes the job to run next (highest priority, then first submitted; not one that still waits for its back-off) and
  /// begins an attempt. Null if there is none.
  JobPtr next(MonotonicNs now);
  /// What next() would take; null if nothing.
  const Job* peek(MonotonicNs now);

  /// A dispatched job that never began: back to its old place in the order; the attempt does not count.
  void take_back(const JobPtr& job);

  /// The attempt that next() began has ended. Returns true if the job is done now, false if it will be tried again.
  /// `attempt.number` is filled in here.
  bool end_attempt(const JobPtr& job, Attempt attempt, MonotonicNs now);
  /// The same, but never retried (the pool is being terminated).
  void end_finally(const JobPtr& job, Attempt attempt, MonotonicNs now);

  /// A dispatched batch has results of so many more items.
  static void add_results(Job& job, std::uint32_t count, Payload results);
  /// A worker has ended before it began the first item: takes the batch back, like a job that never began. False if
  /// that has happened too often: then the batch stays as it is.
  bool take_back_unbegun(const JobPtr& job);
  /// Makes the items from number `at` (of the payload) on a job of their own, which is queued.
  void split(const JobPtr& job, std::uint32_t at);

  /// Cancels a job that is queued or waits for a retry: true if it is cancelled (now or before).
  bool cancel(const JobPtr& job, MonotonicNs now);
  /// The attempt that runs is the job's last, whatever it comes to.
  static void end_with_this_attempt(const JobPtr& job) noexcept { job->withdrawn_ = true; }
  /// When the first job that waits for its first attempt has waited as long as it may.
  std::optional<MonotonicNs> next_expiry() const;
  /// Ends the queued jobs whose time in the queue is over. Returns those that were given to a worker before, once: one
  /// that has not begun there is to be taken back and given to expire_queued().
  std::vector<JobPtr> expire(MonotonicNs now);
  void expire_queued(const JobPtr& job, MonotonicNs now);
  /// Ends all queued and waiting jobs with `outcome`.
  void finish_queued(const Outcome& outcome, MonotonicNs now);

  /// Number of the attempt that is going on (1, 2, ...).
  static int attempt_number(const Job& job) noexcept;
  /// What its worker gets, and must have been told before. Require that the job is not done.
  static const Payload& payload(const Job& job) noexcept { return job.payload_; }
  static const Needs& needs(const Job& job) { return std::get<Job::Ahead>(job.course_).needs; }

  /// Asks for the job in take_watched() once it is done; false if it is done already.
  bool watch(const JobPtr& job);
  /// Watched jobs that became done since the last call.
  std::vector<JobPtr> take_watched();

  /// When the first waiting job may be tried again.
  std::optional<MonotonicNs> next_retry() const;

  bool has_ready(MonotonicNs now);
  // In calls: each item of a batch counts.
  std::uint64_t submitted() const noexcept { return submitted_; }
  std::uint64_t finished() const noexcept { return finished_; }
  std::uint64_t queued() const noexcept { return queued_; }  ///< ready and waiting
  std::uint64_t dispatched() const noexcept { return dispatched_; }
  bool all_done() const noexcept { return finished_ == submitted_; }

 private:
  void admit_due(MonotonicNs now);
  void leave_dispatched(Job& job);
  void end_dispatched(Job& job, Attempt& attempt);
  void try_again(const JobPtr& job, std::chrono::nanoseconds wait, MonotonicNs now);
  void finish(const JobPtr& job, Attempt&& last, MonotonicNs now);
  void finish_queued_job(const JobPtr& job, const Outcome& outcome, MonotonicNs now);
  bool ends_workers(const Job& job, const Attempt& last) const;
  void forget_expiry(Job& job);
  void sweep_if_due();
  double draw();

  const bool is_command_;
  ReadyQueue ready_;
  WaitingRoom waiting_;
  std::unordered_map<std::string_view, JobPtr> by_key_;
  std::map<std::pair<MonotonicNs, const Job*>, JobPtr>
      expiries_;  ///< jobs with a limit of time in the queue, not begun yet
  std::vector<JobPtr> watched_;
  std::mt19937_64 random_;
  std::uint64_t submitted_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t dispatched_ = 0;
  std::uint64_t queued_ = 0;
  std::uint64_t cancelled_since_sweep_ = 0;
};

/// Whether a function that came to `outcome` took its worker along (commands end without harm to theirs).
bool ended_its_worker(const Outcome& outcome) noexcept;
/// Whether the policy allows another attempt after `outcome`, given how many retries were made already.
bool may_retry(const RetryPolicy& policy, const Outcome& outcome, int retries_made, bool is_command) noexcept;
/// How long to wait before retry number `retry` (1, 2, ...); `random` in [0, 1).
std::chrono::nanoseconds backoff_before(const RetryPolicy& policy, int retry, double random) noexcept;

}  // namespace prong::jobs
