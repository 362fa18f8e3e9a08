// Intake: where submitted jobs are put while somebody is going to look at them anyway, so that a submission need not
// wait for who hands out jobs, nor do it itself.
//
//   submit ──> Intake ──take()──> Ledger (queued) ──> ...
//     └──── closed ─────────────────┘
//
// Open only while (1) its owner is sure to take() before it sleeps without a limit, or (2) no new job could begin
// anyway: then whatever makes room also takes what is here. It closes when it is empty, or is emptied then; that
// and the adding are under one lock, so no job is left behind.
//
// Coordinator process. try_add() and size(): any thread. The others: the owner, guarded by the pool's lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "prong/job.h"

namespace prong::jobs {

/// A job that begins in its turn, on any worker, beside others: it needs nothing to be arranged when it is submitted.
bool is_plain(const JobSpec& spec) noexcept;
bool is_plain(const Job& job) noexcept;

class Intake {
 public:
  /// So many are held at most, so that what waits for long is kept once only.
  static constexpr std::size_t kMost = 4096;

  /// Makes `spec` a job, with the next id; null, and `spec` as it was, if the intake is closed or full. Requires that
  /// it is plain.
  JobPtr try_add(JobSpec& spec, MonotonicNs now);
  /// The same for all of them, or for none: then nothing is returned.
  std::vector<JobPtr> try_add_all(std::span<JobSpec> specs, MonotonicNs now);
  std::size_t size() const;

  /// Exact for the owner; a hint for others.
  bool is_open() const noexcept { return open_.load(std::memory_order_relaxed); }
  /// `next`: id of the first job that is added. Requires that it is closed, and that take() has left nothing.
  void open(JobId next);
  /// False, and nothing is done, if there are jobs.
  bool close_if_empty();
  void close();
  /// Gives everything that is there to `admit(JobPtr&&)`, in the order of ids. What that throws comes through: the job
  /// that it did not move away, and those after it, stay here and are the first ones of the next call.
  template <typename Admit>
  void take(const Admit& admit) {
    give_taken_to(admit);
    take_more();
    give_taken_to(admit);
  }
  /// Whether take() left something because of what was thrown.
  bool has_left() const noexcept { return next_taken_ < taken_.size(); }

 private:
  template <typename Admit>
  void give_taken_to(const Admit& admit) {
    for (; next_taken_ < taken_.size(); ++next_taken_) admit(std::move(taken_[next_taken_]));
  }
  void take_more();
  bool has_room(std::size_t jobs) const noexcept { return is_open() && jobs <= kMost - jobs_.size(); }
  static JobPtr make(JobSpec& spec, MonotonicNs now);

  mutable std::mutex mutex_;
  std::atomic<bool> open_ = false;  ///< changes under both locks: each is enough to read it
  JobId next_ = 0;
  std::vector<JobPtr> jobs_;
  std::vector<JobPtr> taken_;   ///< the owner's
  std::size_t next_taken_ = 0;  ///< first one of them that was not admitted
};

}  // namespace prong::jobs
