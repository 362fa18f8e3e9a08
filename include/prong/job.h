// Job: a handle on one piece of work given to a pool. See prong/pool.h.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "prong/options.h"
#include "prong/outcome.h"

namespace prong {

namespace jobs {
class Intake;
class Ledger;
}  // namespace jobs
namespace pool {
class Forgotten;
}

using JobId = std::uint64_t;
using DefinitionId = std::uint32_t;
/// Nanoseconds on CLOCK_MONOTONIC; 0: not yet.
using MonotonicNs = std::int64_t;

class Job;
using JobPtr = std::shared_ptr<Job>;

/// One try of a job.
struct Attempt {
  int number = 1;
  int worker_pid = 0;
  MonotonicNs started = 0;  ///< 0 if it never started
  MonotonicNs ended = 0;
  Outcome outcome = Cancelled{};
  Payload output{};        ///< commands: captured standard output
  Payload error_output{};  ///< commands: captured standard error
  /// User and system, with that of processes that it has started and waited for; -1 ns: not known, as of an attempt
  /// that ended its worker, a function that took less than 250 us, or an item of a batch.
  std::chrono::nanoseconds cpu_time{-1};
  /// Bytes, the most that was resident at a time: commands: in the largest of its processes; functions: in the worker,
  /// with what that has loaded. -1: not known, as above.
  std::int64_t peak_memory = -1;
};

/// Where finished jobs are put, in order of completion. Any thread.
class CompletionQueue {
 public:
  void push(JobPtr job);
  /// Takes everything that is there.
  std::vector<JobPtr> take_all();
  bool empty() const;

 private:
  mutable std::mutex mutex_;
  std::vector<JobPtr> jobs_;
};

/// What workers are told (a function, a class), each once, before a job that needs it. Made by Pool::define(). They
/// have it until it is gone: when the program and all jobs that are not done have dropped it. Any thread.
class Definition {
 public:
  Definition(DefinitionId id, Payload payload, std::shared_ptr<pool::Forgotten> forgotten);
  ~Definition();
  Definition(const Definition&) = delete;
  Definition& operator=(const Definition&) = delete;

  DefinitionId id() const noexcept { return id_; }
  const Payload& payload() const noexcept { return payload_; }
  bool belongs_to(const pool::Forgotten& forgotten) const noexcept { return forgotten_.get() == &forgotten; }

 private:
  DefinitionId id_;
  Payload payload_;
  std::shared_ptr<pool::Forgotten> forgotten_;
};
using DefinitionPtr = std::shared_ptr<const Definition>;
/// What jobs need; shared by many of them. Null: nothing.
using Needs = std::shared_ptr<const std::vector<DefinitionPtr>>;

/// What to run, and how. `payload` is encoded by the face; the engine never looks inside.
struct JobSpec {
  Payload payload{};
  Needs needs{};                                   ///< what the worker must have been told before this job
  std::shared_ptr<const JobOptions> options{};     ///< shared by many jobs; null: defaults
  std::shared_ptr<CompletionQueue> completions{};  ///< null: none
  std::uint64_t tag = 0;                           ///< the caller's own; kept with the job
  /// A batch: the payload holds so many items, which a worker runs one after another. 0: the payload is one call.
  std::uint32_t items = 0;
};

/// A batch, or what is left of one: `count` items of its payload, from number `first` on. Each is begun once at most,
/// and none is lost with its neighbours: when one of them ends the worker, or when another worker is free, the items
/// that were not begun go to another job (`rest`).
struct Items {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t ended = 0;         ///< the first ones, which have results; the job's outcome is that of all others
  int failed_starts = 0;           ///< workers that ended after they had taken it, before they began the first item
  std::vector<Payload> results{};  ///< encoded by the face, in order
  JobPtr rest{};
};

/// The number behind its last item.
constexpr std::uint32_t end_of(const Items& items) noexcept {
  return items.first + items.count;
}

/// Any thread, coordinator's process only. Fields are final once done() is true. Queued ones are many: a job is small
/// (job.cc checks its size), and what only those have that were tried lies elsewhere.
class Job {
 public:
  enum class State : std::uint8_t { kQueued, kDispatched, kDone };

  /// One call; a batch is made as a Batch.
  Job(JobId id, JobSpec spec)
      : payload_(std::move(spec.payload)),
        options_(std::move(spec.options)),
        course_(Ahead{std::move(spec.needs), std::move(spec.completions)}),
        tag_(spec.tag),
        id_(id),
        is_batch_(spec.items != 0) {}
  ~Job() { delete[] tries_.load(std::memory_order_relaxed); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  JobId id() const noexcept { return id_; }
  std::uint64_t tag() const noexcept { return tag_; }
  const JobOptions& options() const noexcept;
  State state() const noexcept { return state_.load(std::memory_order_acquire); }
  bool done() const noexcept { return state() == State::kDone; }

  /// The last attempt's outcome, or Cancelled / Lost if it was ended while queued. Requires done().
  const Outcome& outcome() const { return all_tries()[tries() - 1].outcome; }
  /// The value, if outcome() is Returned; else null. Costs less. Requires done().
  const Payload* value() const;
  /// Whether outcome() is Cancelled. Requires done().
  bool was_cancelled() const { return value() == nullptr && std::holds_alternative<Cancelled>(outcome()); }
  /// All attempts, first to last; none until done().
  std::span<const Attempt> attempts() const { return done() ? ended_attempts() : std::span<const Attempt>(); }
  /// Of a batch; else null. Final, but for `first`, once done() is true.
  const Items* items() const noexcept;
  /// One item of a batch that is done, as a job that is done. `outcome`: of the item, as the face has decoded it.
  JobPtr item(std::uint32_t number, Outcome outcome) const;
  /// Of how many calls the job consists. Each has an id of its own: that of the job, and the next ones.
  std::uint32_t calls() const noexcept { return is_batch() ? items()->count : 1; }
  /// It had retries left, but had ended its worker too often (RetryPolicy::quarantine_after). Requires done().
  bool quarantined() const noexcept { return quarantined_; }
  MonotonicNs submitted() const noexcept { return submitted_; }
  MonotonicNs finished() const noexcept { return finished_; }

 private:
  friend class jobs::Intake;
  friend class jobs::Ledger;

  /// What only a job needs that is not done.
  struct Ahead {
    Needs needs;
    std::shared_ptr<CompletionQueue> completions;
  };
  /// Of a job that is done, and whose only attempt is like most: it returned, and nothing of it was measured. The value
  /// is where the arguments were. The Attempt, which takes 224 bytes more, is made when somebody asks for it.
  struct Brief {
    MonotonicNs started;
    MonotonicNs ended;
    int worker_pid;
  };

  bool is_batch() const noexcept { return is_batch_; }
  Items& own_items() noexcept;
  JobSpec spec() const;
  /// Requires that every attempt that was begun has ended.
  std::span<const Attempt> ended_attempts() const { return {all_tries(), attempts_begun_}; }
  std::size_t tries() const noexcept { return std::size_t{attempts_begun_} + (ended_without_attempt_ ? 1 : 0); }
  /// Null if there are none.
  const Attempt* all_tries() const;
  const Attempt* make_tries(const Brief& brief) const;
  void add_try(Attempt&& attempt);
  bool may_be_brief(const Attempt& attempt) const noexcept;
  /// Keeps the last try, and drops what only a job needs that is not done, but for the queue, which it returns. If it
  /// throws, nothing is changed.
  std::shared_ptr<CompletionQueue> settle(Attempt&& last);

  Payload payload_;
  std::shared_ptr<const JobOptions> options_;
  std::variant<Ahead, Brief> course_;
  std::uint64_t tag_;
  JobId id_;
  MonotonicNs submitted_ = 0;
  MonotonicNs finished_ = 0;
  /// The attempts that have ended; behind them, of a job that ended without one, what it came to. Room for as many as
  /// the next power of two. Null: none, or Brief.
  mutable std::atomic<Attempt*> tries_{nullptr};
  std::uint32_t attempts_begun_ = 0;
  const bool is_batch_;
  bool ended_without_attempt_ : 1 = false;
  bool quarantined_ : 1 = false;
  bool withdrawn_ : 1 = false;  // what runs is its last attempt
  std::atomic<State> state_{State::kQueued};
  std::atomic<bool> watched_{false};
};

/// A job of many calls.
class Batch final : public Job {
 public:
  /// Requires that spec.items is not 0.
  Batch(JobId id, JobSpec spec, Items items) : Job(id, std::move(spec)), items_(std::move(items)) {}
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

 private:
  friend class Job;

  Items items_;
};

inline const Items* Job::items() const noexcept {
  return is_batch() ? &static_cast<const Batch*>(this)->items_ : nullptr;
}
inline Items& Job::own_items() noexcept {
  return static_cast<Batch*>(this)->items_;
}

}  // namespace prong
