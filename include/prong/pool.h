// Pool: workers, a queue and a policy. The byte-level core that every face is built on.
//
//   prong::Pool pool(options);
//   prong::JobPtr job = pool.submit({.payload = ...});
//   pool.wait([&] { return job->done(); });
//   std::visit(..., job->outcome());
//
// Runs in the user's program ("coordinator" process). All members may be called from any thread, except in a child
// process made by fork() after the pool was: there every call throws UsageError and the destructor does nothing.
#pragma once

#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "prong/job.h"
#include "prong/options.h"

namespace prong {

class Coordinator;

struct WorkerInfo {
  std::uint64_t id = 0;
  int pid = 0;
  std::string state;        ///< "starting", "idle", "busy", "ending"
  std::uint64_t jobs_done = 0;
};

struct PoolStats {
  std::uint64_t submitted = 0;
  std::uint64_t finished = 0;
  std::uint64_t queued = 0;
  std::uint64_t dispatched = 0;
  std::uint64_t workers_started = 0;
  std::uint64_t workers_lost = 0;  ///< ended without being asked to, or killed by a limit
  std::uint64_t launcher_pid = 0;
};

enum class WaitResult { kReady, kTimedOut, kInterrupted };

/// How a thread waits. `deadline`: CLOCK_MONOTONIC. `signals`: if set, the signal mask while asleep (as in ppoll);
/// the wait returns kInterrupted after a signal handler ran.
struct WaitOptions {
  std::optional<MonotonicNs> deadline;
  const sigset_t* signals = nullptr;
};

class Pool {
 public:
  /// Starts the launcher (and workers). Throws UsageError, SystemError or PoolError.
  explicit Pool(PoolOptions options);
  /// As terminate() and join().
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Registers bytes that workers must see (once each) before jobs that need them.
  DefinitionId define(Payload definition);

  /// Queues a job. Throws ClosedError after close(), PoolError when the pool has failed, UsageError for bad options.
  /// With a key that is queued or running already, returns that job.
  JobPtr submit(JobSpec spec);
  /// The same for many at once, under one lock.
  std::vector<JobPtr> submit_all(std::vector<JobSpec> specs);

  /// Cancels a job that has not started: true if it is cancelled now (or was before).
  bool cancel(const JobPtr& job);
  /// Cancels a job also if it runs: its process tree is killed as by a limit. False if it was done already.
  bool kill(const JobPtr& job);

  /// Waits until `ready()` is true. `ready` is called without any lock held, often; it must be cheap and must not throw.
  WaitResult wait(const std::function<bool()>& ready, const WaitOptions& options = {});

  /// Asks that `job` be handed to the watcher when it is done. False if it is done already (then it never is).
  bool watch(const JobPtr& job);
  /// Called in a thread of its own, without locks, with watched jobs that are done. Set before the first watch().
  void set_watcher(std::function<void(std::span<const JobPtr>)> watcher);

  /// No more jobs; those queued and running go on.
  void close();
  /// No more jobs; queued ones are cancelled, running ones killed.
  void terminate();
  /// Waits until the pool is closed, all jobs are done and every process of the pool is gone.
  WaitResult join(const WaitOptions& options = {});
  bool closed() const;
  /// Why the pool failed, or "" while it works.
  std::string failure() const;

  PoolStats stats() const;
  std::vector<WorkerInfo> workers() const;
  /// Results of the finalizers that have run so far.
  std::vector<Outcome> finalizer_outcomes() const;
  const PoolOptions& options() const;

 private:
  std::shared_ptr<Coordinator> coordinator_;
};

}  // namespace prong
