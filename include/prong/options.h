// Options of jobs and pools. Plain values; checked once, by `check`, before anything runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "prong/outcome.h"
#include "prong/payload.h"

namespace prong {

/// When and how often a failed attempt is followed by another. By default never: at most once.
struct RetryPolicy {
  int retries = 0;  ///< attempts after the first
  bool on_exception = true;
  bool on_exit = true;  ///< a command's non-zero exit, or a function that ended its process
  bool on_signal = true;
  bool on_timeout = true;
  bool on_lost = true;
  /// Narrow the causes above; empty: any. Qualified names of exception types (or of their bases), exit codes, numbers.
  std::vector<std::string> exceptions{};
  std::vector<int> exit_codes{};
  std::vector<int> signals{};
  /// A function that has ended its worker this often (exit, signal, lost) is quarantined: not tried again, whatever
  /// retries are left. 0: never.
  int quarantine_after = 3;
  std::chrono::nanoseconds backoff{0};  ///< wait before the first retry; doubled each time
  std::chrono::nanoseconds max_backoff = std::chrono::minutes(1);
  double jitter = 0.1;  ///< each wait is multiplied by a random factor in [1 - jitter, 1 + jitter]
};

/// What becomes of processes that a job which ended well has left running.
enum class Leftovers { kKeep, kKill };

struct JobOptions {
  std::chrono::nanoseconds timeout{0};     ///< wall time of one attempt, from its start in the worker; 0: none
  std::chrono::nanoseconds cpu_time{0};    ///< CPU time of one attempt, with all that it starts; 0: none
  std::uint64_t memory = 0;                ///< bytes by which the worker and what it starts may grow; 0: no limit
  std::chrono::nanoseconds queue_time{0};  ///< from submission to the start of the first attempt; 0: none
  std::uint64_t output = 0;  ///< bytes: what a command writes to its captured outputs, or a function's result; 0: none
  RetryPolicy retry{};
  int priority = 0;    ///< higher runs first; equal priorities in order of submission
  std::string key{};   ///< not empty: unique among queued and running jobs; a second submit returns the first job
  bool fresh = false;  ///< a worker of its own that runs nothing else; the job is done when its process tree is gone
  Leftovers leftovers = Leftovers::kKeep;
};

/// How workers come to be. See docs/architecture.md.
enum class StartKind {
  kFresh,    ///< a template process is exec'ed once and forks workers
  kFork,     ///< the template is the calling process, forked when the pool is made
  kSpawn,    ///< every worker is exec'ed
  kCommand,  ///< resident C++ workers that run command lines; no template
};

/// How to exec a template (kFresh) or a worker (kSpawn). The role and descriptors are passed in PRONG_* variables.
struct Program {
  std::vector<std::string> arguments{};  ///< arguments[0] is the path to exec
  /// Added to (or, for an empty value with no '=', removed from) the inherited environment, "NAME=value".
  std::vector<std::string> environment{};
};

/// What a runtime has to do around a fork of its process, as with pthread_atfork (CPython: PyOS_BeforeFork ...). None
/// may throw; the process that forks is not `in_child`'s parent.
struct ForkHooks {
  std::function<void()> before{};
  std::function<void()> in_parent{};  ///< also when the fork was refused
  std::function<void()> in_child{};
};

/// A worker that ended without being asked to, or was killed. See PoolOptions::on_worker_lost.
struct WorkerLoss {
  std::uint64_t worker = 0;  ///< its number in the pool
  int pid = 0;
  Outcome outcome = Cancelled{};  ///< Exited or Signalled: how its process ended; Lost: with its launcher
};

/// A signal to what is to end, and how long that may take until more is done about it.
struct StopSignal {
  int signal = 15;  ///< SIGTERM
  std::chrono::nanoseconds wait{0};

  bool operator==(const StopSignal&) const = default;
};

struct PoolOptions {
  int workers = 0;  ///< 0: one per CPU that this process may use
  StartKind start = StartKind::kFresh;
  Program program{};            ///< for kFresh and kSpawn
  Program nursery{};            ///< for kFresh: see prong/nursery.h; without arguments: none
  int max_jobs_per_worker = 0;  ///< 0: no limit
  /// Workers are replaced between jobs when they have grown by more bytes than this since they were ready, or are
  /// older; 0: no limit.
  std::uint64_t max_worker_memory = 0;
  std::chrono::nanoseconds max_worker_age{0};
  /// A worker that had nothing to do for this long ends, if more than `min_workers` are left; 0: never. Others start
  /// when there are jobs for them.
  std::chrono::nanoseconds idle_timeout{0};
  int min_workers = 0;
  /// From the pool's start: then all jobs end as TimedOut{kBudget}, and the pool takes no more; 0: none.
  std::chrono::nanoseconds budget{0};
  /// When no job was finished for this long while some run, those that run end as TimedOut{kStall}; 0: never.
  std::chrono::nanoseconds stall{0};
  /// How long a worker may take from its order to its first request, before it (or a template that starts none) is
  /// killed and another is tried; 0: for ever.
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(60);
  bool start_early = true;  ///< start all workers at once, not when the first jobs come
  std::chrono::nanoseconds grace = std::chrono::milliseconds(500);  ///< between SIGTERM and SIGKILL
  /// Sent in this order, instead of SIGTERM and `grace`, to what is killed for a limit or on request; SIGKILL comes
  /// last in any case. At most kMostStopSignals of those that workers survive. Empty: SIGTERM and `grace`.
  std::vector<StopSignal> stop_signals{};
  /// kCommand only: descriptors of this process that commands get, too, under the same numbers, from 3 up. They must
  /// stay open while the pool lives.
  std::vector<int> descriptors{};
  int niceness = 0;       ///< 0 to 19: added to that of the program, for workers and what they start
  Payload initializer{};  ///< run by each worker before its first job; empty: none
  Payload finalizer{};    ///< run by each worker before it ends in order; empty: none
  std::chrono::nanoseconds initializer_timeout{0};
  std::chrono::nanoseconds finalizer_timeout = std::chrono::seconds(10);
  /// Called for each worker that ended without running its finalizer, on a thread of the pool's.
  std::function<void(const WorkerLoss&)> on_worker_lost{};
  /// kFork only: runs the template in the forked child: must call prong::serve_template and never return.
  std::function<void(int control_fd)> fork_template{};
  /// kFork only: around the fork of the calling process.
  ForkHooks fork_hooks{};
};

constexpr std::size_t kMostStopSignals = 8;

/// Throw UsageError with a text that says what was wrong and what would be right.
void check(const JobOptions& options);
void check(const PoolOptions& options);
/// Whether jobs with these options may be batches (JobSpec::items): what is kept for each call, such as its use of CPU
/// time or its retries, cannot be asked of a batch, and neither can what its worker would have to end for.
bool may_be_batches(const JobOptions& job, const PoolOptions& pool) noexcept;

/// CPUs this process may really use: the least of affinity and cgroup quota (v1 and v2, rounded up), at least 1. In a
/// worker: its share of them.
int usable_cpus();

/// Bytes of memory that may still be taken before the kernel kills for it: the least of what the machine and the
/// memory cgroups of this process have. All ones where nothing can be read.
std::uint64_t available_memory();

}  // namespace prong
