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

#include <concepts>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "prong/command.h"
#include "prong/job.h"
#include "prong/options.h"

namespace prong {

class Coordinator;

// The typed face. Its templates are defined in prong/function.h; most programs include prong/prong.h, which has all.
template <typename Result>
class Future;
class PoolView;
struct CommandResult;
namespace detail {
template <typename Function, typename... Arguments>
struct ResultOf;
/// What may be a function to call: not what other overloads take in its place.
template <typename T>
concept Callee = !std::same_as<std::remove_cvref_t<T>, JobSpec> && !std::same_as<std::remove_cvref_t<T>, Command> &&
                 !std::same_as<std::remove_cvref_t<T>, JobOptions>;
}  // namespace detail
/// What submit(function, arguments...) gives: a Future of the function's result.
template <typename Function, typename... Arguments>
using FutureOf = Future<typename detail::ResultOf<Function, Arguments...>::type>;

struct WorkerInfo {
  std::uint64_t id = 0;
  int pid = 0;
  std::string state;  ///< "starting", "idle", "busy", "ending"
  std::uint64_t jobs_done = 0;
};

struct PoolStats {
  std::uint64_t submitted = 0;
  std::uint64_t finished = 0;
  std::uint64_t queued = 0;
  std::uint64_t dispatched = 0;
  std::uint64_t workers_started = 0;
  std::uint64_t workers_lost = 0;  ///< ended without being asked to, or killed by a limit
  std::uint64_t launcher_pid = 0;  ///< 0 when there is none any more
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
  /// Starts the launcher (and workers). Throws UsageError, SystemError or PoolError. Without options.program, the
  /// workers of kFresh, kSpawn and kFork are this program's own: see prong/init.h.
  explicit Pool(PoolOptions options = {});
  /// As terminate() and join().
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Makes bytes known that workers must see (once each) before jobs that need them.
  DefinitionPtr define(Payload definition);

  /// Queues a job. Throws ClosedError after close(), PoolError when the pool has failed, UsageError for bad options.
  /// With a key that is queued or running already, returns that job.
  JobPtr submit(JobSpec spec);
  /// The same for many at once.
  std::vector<JobPtr> submit_all(std::vector<JobSpec> specs);

  /// Queues a call of `function` with copies of `arguments`. See docs/cpp.md for what may be passed.
  template <detail::Callee Function, typename... Arguments>
  FutureOf<Function, Arguments...> submit(Function&& function, Arguments&&... arguments);
  /// The same for each element of `range`, under few locks.
  template <typename Function, typename Range>
  auto submit_all(Function&& function, Range&& range);
  /// Calls `function` with each element of `range` and returns the results in order (nothing if there are none). Throws
  /// the JobFailed of the first element that failed; elements not yet started are cancelled then.
  template <typename Function, typename Range>
  auto map(Function&& function, Range&& range);
  /// The same, but never throws because of a job: what each came to, in order.
  template <typename Function, typename Range>
  std::vector<Outcome> map_outcomes(Function&& function, Range&& range);
  /// Queues a command line (StartKind::kCommand).
  Future<CommandResult> submit(const Command& command);
  /// This pool with other options for what is submitted: pool.options({.timeout = 5s}).submit(work, x). Throws
  /// UsageError if they make no sense.
  PoolView options(JobOptions job_options);

  /// Cancels a job that has not started: true if it is cancelled now (or was before).
  bool cancel(const JobPtr& job);
  /// The same; one that runs goes on, but is not tried again, whatever this attempt comes to.
  bool withdraw(const JobPtr& job);
  /// Cancels a job also if it runs: its process tree is killed as by a limit. False if it was done already.
  bool kill(const JobPtr& job);

  /// Waits until `ready()` is true. It is asked at first, and again when jobs of this pool have ended, without any lock
  /// held; what it looks at must not change at other times. It must be cheap and must not throw.
  WaitResult wait(const std::function<bool()>& ready, const WaitOptions& options = {});

  /// Asks that `job` be handed to the watcher when it is done. False if it is done already (then it never is).
  bool watch(const JobPtr& job);
  /// Called in a thread of its own, without locks, with watched jobs that are done. Set before the first watch().
  void set_watcher(std::function<void(std::span<const JobPtr>)> watcher);

  /// From now on so many workers. More start when they are wanted; of those that are too many, idle ones end at once,
  /// others when their job has. 0: none, so that what is queued waits. options() tells what the pool began with. Throws
  /// UsageError if there are to be fewer than options().min_workers, or less than none.
  void resize(int workers);

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
