#include "handle.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "signals.h"

namespace prong::python {
namespace {

// Another thread may take a signal while this one is awake with signals blocked; then only the next look finds it.
constexpr MonotonicNs kLongestSleep = 500'000'000;

thread_local bool in_watcher = false;

MonotonicNs now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<MonotonicNs> deadline_in(std::optional<double> seconds) {
  constexpr double kLongest = 1e9;  // about 30 years
  if (!seconds || *seconds >= kLongest) return std::nullopt;
  return now() + static_cast<MonotonicNs>(std::max(*seconds, 0.0) * 1e9);
}

bool passed(const std::optional<MonotonicNs>& deadline) {
  return deadline && now() >= *deadline;
}

void check_signals() {
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

/// Calls `wait` without the GIL.
template <typename Wait>
WaitResult wait_released(const Wait& wait, const WaitOptions& options) {
  nb::gil_scoped_release release;
  return wait(options);
}

/// One sleep of the main thread, at most until `deadline`.
template <typename Wait>
WaitResult wait_interruptible(const Wait& wait, std::optional<MonotonicNs> deadline) {
  const SignalsBlocked blocked;
  check_signals();
  const MonotonicNs look = now() + kLongestSleep;
  const MonotonicNs until = deadline ? std::min(*deadline, look) : look;
  return wait_released(wait, {until, &blocked.previous()});
}

/// Ends a handle: waits for its processes and its threads, so without the GIL and never on its own watcher.
void destroy(Handle* handle) {
  if (in_watcher) {
    std::thread([handle] { delete handle; }).detach();
  } else if (PyGILState_Check() == 1) {
    nb::gil_scoped_release release;
    delete handle;
  } else {
    delete handle;
  }
}

void notify(PyObject* job) {
  PyObject* result = PyObject_CallMethod(job, "_notify", nullptr);
  if (result == nullptr) PyErr_WriteUnraisable(job);
  Py_XDECREF(result);
  Py_DECREF(job);
}

}  // namespace

void note_in_watcher() noexcept {
  in_watcher = true;
}

Handle::Handle(PoolOptions options, bool track_jobs) : track_jobs_(track_jobs), pool_(std::move(options)) {
  pool_.set_watcher([this](std::span<const JobPtr> jobs) {
    note_in_watcher();
    tell(jobs);
  });
}

Handle::~Handle() = default;

void Handle::track(const JobPtr& job) {
  if (!track_jobs_) return;
  if (tracked_.size() >= sweep_at_) {
    std::erase_if(tracked_, [](const auto& weak) {
      const JobPtr tracked = weak.lock();
      return !tracked || tracked->done();
    });
    sweep_at_ = std::max<std::size_t>(1024, 2 * tracked_.size());
  }
  tracked_.push_back(job);
}

void Handle::cancel_queued() {
  // Last first, so that what is about to start does not take the place of what was just cancelled.
  while (!tracked_.empty()) {
    if (const JobPtr job = tracked_.back().lock()) pool_.cancel(job);
    tracked_.pop_back();
  }
}

bool Handle::watch(const JobPtr& job, nb::handle python_job) {
  auto& watchers = watched_[job.get()];
  watchers.push_back(python_job.inc_ref().ptr());
  if (pool_.watch(job)) return true;
  watchers.pop_back();
  python_job.dec_ref();
  if (watchers.empty()) watched_.erase(job.get());
  return false;
}

void Handle::tell(std::span<const JobPtr> jobs) {
  nb::gil_scoped_acquire gil;
  for (const JobPtr& job : jobs) {
    auto entry = watched_.extract(job.get());
    if (entry.empty()) continue;
    for (PyObject* python_job : entry.mapped()) notify(python_job);
  }
}

bool Handle::wait_with_signals(const Wait& wait, std::optional<double> seconds) {
  const auto deadline = deadline_in(seconds);
  if (!on_main_thread()) return wait_released(wait, {deadline, nullptr}) == WaitResult::kReady;
  for (;;) {
    if (wait_interruptible(wait, deadline) == WaitResult::kReady) return true;
    check_signals();
    if (passed(deadline)) return false;
  }
}

bool Handle::wait(const std::function<bool()>& ready, std::optional<double> seconds) {
  if (ready()) return true;
  return wait_with_signals([&](const WaitOptions& options) { return pool_.wait(ready, options); }, seconds);
}

bool Handle::join(std::optional<double> seconds) {
  return wait_with_signals([&](const WaitOptions& options) { return pool_.join(options); }, seconds);
}

HandlePtr make_handle(PoolOptions options, bool track_jobs) {
  if (options.start == StartKind::kFork) return {new Handle(std::move(options), track_jobs), destroy};
  nb::gil_scoped_release release;
  return {new Handle(std::move(options), track_jobs), destroy};
}

}  // namespace prong::python
