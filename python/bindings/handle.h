// Handle: a pool as the Python face sees it, shared by the Python pool and by its jobs.
//
// Owns prong::Pool and the Python jobs that somebody looks at ("watched"): those are told when they are done, by the
// pool's watcher thread, which takes the GIL once per batch. User's process. All members need the GIL unless said.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "prong/pool.h"
#include "python.h"

namespace prong::python {

class Handle {
 public:
  Handle(PoolOptions options, bool track_jobs);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Pool& pool() noexcept { return pool_; }

  /// Keeps in mind a job that was submitted, for cancel_queued().
  void track(const JobPtr& job);
  /// Cancels what has not started, of the jobs that were tracked.
  void cancel_queued();

  /// Calls `python_job._notify()` once the job is done. False if it is done already: then it is not called.
  bool watch(const JobPtr& job, nb::handle python_job);

  /// Waits without the GIL until `ready()`; runs Python's signal handlers when on the main thread (nb::python_error if
  /// one raises). False: `seconds` have passed.
  bool wait(const std::function<bool()>& ready, std::optional<double> seconds);
  /// The same for the end of a pool that is closed.
  bool join(std::optional<double> seconds);

 private:
  using Wait = std::function<WaitResult(const WaitOptions&)>;
  bool wait_with_signals(const Wait& wait, std::optional<double> seconds);
  void tell(std::span<const JobPtr> jobs);

  // Guarded by the GIL.
  const bool track_jobs_;
  std::vector<std::weak_ptr<Job>> tracked_;
  std::size_t sweep_at_ = 1024;
  std::unordered_map<const Job*, std::vector<PyObject*>> watched_;
  Pool pool_;  // last: its end joins the watcher, which uses what stands above
};

using HandlePtr = std::shared_ptr<Handle>;

/// This thread is a pool's watcher: what it calls may drop the pool, whose end would wait for this thread.
void note_in_watcher() noexcept;

/// Starts a pool. The last owner may be any thread, also the watcher's.
HandlePtr make_handle(PoolOptions options, bool track_jobs);

}  // namespace prong::python
