// Options of jobs and pools. Plain values; checked once, by `check`, before anything runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

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
  std::chrono::nanoseconds backoff{0};  ///< wait before the first retry; doubled each time
  std::chrono::nanoseconds max_backoff = std::chrono::minutes(1);
  double jitter = 0.1;  ///< each wait is multiplied by a random factor in [1 - jitter, 1 + jitter]
};

/// What becomes of processes that a job which ended well has left running.
enum class Leftovers { kKeep, kKill };

struct JobOptions {
  std::chrono::nanoseconds timeout{0};  ///< wall time of one attempt, from its start in the worker; 0: none
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

struct PoolOptions {
  int workers = 0;  ///< 0: one per CPU that this process may use
  StartKind start = StartKind::kFresh;
  Program program{};            ///< for kFresh and kSpawn
  int max_jobs_per_worker = 0;  ///< 0: no limit
  bool start_early = true;      ///< start all workers at once, not when the first jobs come
  std::chrono::nanoseconds grace = std::chrono::milliseconds(500);  ///< between SIGTERM and SIGKILL
  Payload initializer{};  ///< run by each worker before its first job; empty: none
  Payload finalizer{};    ///< run by each worker before it ends in order; empty: none
  std::chrono::nanoseconds initializer_timeout{0};
  std::chrono::nanoseconds finalizer_timeout = std::chrono::seconds(10);
  /// kFork only: runs the template in the forked child: must call prong::serve_template and never return.
  std::function<void(int control_fd)> fork_template{};
  /// kFork only: forks the calling process as its runtime wants it (CPython: PyOS_BeforeFork ... ). Default: fork().
  std::function<int()> fork_function{};
};

/// Throw UsageError with a text that says what was wrong and what would be right.
void check(const JobOptions& options);
void check(const PoolOptions& options);

/// CPUs this process may really use: the least of affinity and cgroup quota (v1 and v2, rounded up), at least 1.
int usable_cpus();

}  // namespace prong
