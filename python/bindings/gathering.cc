#include "gathering.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "prong/error.h"
#include "signals.h"

namespace prong::python {
namespace {

constexpr std::chrono::microseconds kLookInterval{500};

/// Grows by one in each forked child.
std::atomic<unsigned> fork_generation{0};

unsigned current_generation() {
  static const bool registered =
      ::pthread_atfork(nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); }) == 0;
  (void)registered;
  return fork_generation.load(std::memory_order_relaxed);
}

}  // namespace

struct Gathering::State {
  explicit State(Pool& owner) : pool(&owner) {}

  const unsigned generation = current_generation();
  std::mutex mutex;  ///< held while jobs are submitted: they stay in order
  std::condition_variable wake;
  // Guarded by the mutex.
  Pool* pool;  ///< null: the thread ends
  std::vector<JobSpec> specs;
  std::vector<JobPtr> jobs;
  std::exception_ptr error;
  bool has_thread = false;
  bool asleep = false;
  bool came = false;  ///< since the thread looked

  std::atomic<std::size_t> count{0};  ///< of specs and jobs; changes under the mutex

  bool is_copy() const noexcept { return fork_generation.load(std::memory_order_relaxed) != generation; }

  /// In a forked copy the thread does not exist, and may hold the mutex for ever.
  std::unique_lock<std::mutex> locked() {
    if (is_copy()) throw UsageError("this iterator belongs to the parent process, as its pool does");
    return std::unique_lock(mutex);
  }

  void submit() {
    if (specs.empty()) return;
    const std::size_t before = specs.size();
    try {
      jobs.reserve(jobs.size() + before);  // no job that was submitted is lost for lack of memory
      if (before == 1) {
        JobSpec spec = std::move(specs.front());
        specs.clear();  // its memory stays for the next one
        jobs.push_back(pool->submit(std::move(spec)));
      } else {
        for (JobPtr& job : pool->submit_all(std::exchange(specs, {}))) jobs.push_back(std::move(job));
      }
    } catch (...) {
      specs.clear();
      count -= before;
      error = std::current_exception();
    }
  }

  /// True if there is a thread that submits what nobody else does.
  bool see_to_thread(const std::shared_ptr<State>& self) {
    if (!has_thread) {
      const SignalsBlocked blocked;  // in the new thread, too: signals are for those that wait for them
      try {
        std::thread([self] { self->look_now_and_then(); }).detach();
      } catch (const std::system_error&) {
        return false;
      }
      has_thread = true;
    }
    came = true;
    if (std::exchange(asleep, false)) wake.notify_one();
    return true;
  }

  void look_now_and_then() {
    pthread_setname_np(pthread_self(), "prong-gather");
    std::unique_lock lock(mutex);
    while (pool != nullptr) {
      if (!came) {
        asleep = true;
        wake.wait(lock, [&] { return came || pool == nullptr; });
      }
      came = false;
      wake.wait_for(lock, kLookInterval, [&] { return pool == nullptr; });
      if (pool != nullptr) submit();
    }
  }
};

Gathering::Gathering(Pool& pool) : state_(std::make_shared<State>(pool)) {}

Gathering::~Gathering() {
  if (state_->is_copy()) return;
  const auto lock = state_->locked();
  state_->pool = nullptr;
  state_->specs.clear();
  state_->jobs.clear();
  state_->wake.notify_one();
}

std::size_t Gathering::put(JobSpec spec, bool watched) {
  const auto lock = state_->locked();
  state_->specs.push_back(std::move(spec));
  ++state_->count;
  const std::size_t waiting = state_->specs.size();
  if (watched && !state_->see_to_thread(state_)) state_->submit();
  return waiting;
}

void Gathering::submit() {
  const auto lock = state_->locked();
  state_->submit();
}

void Gathering::check() {
  const auto lock = state_->locked();
  if (state_->error) std::rethrow_exception(std::exchange(state_->error, nullptr));
}

void Gathering::drop() {
  const auto lock = state_->locked();
  state_->count -= state_->specs.size();
  state_->specs.clear();
}

std::vector<JobPtr> Gathering::take_submitted() {
  const auto lock = state_->locked();
  state_->count -= state_->jobs.size();
  return std::exchange(state_->jobs, {});
}

std::size_t Gathering::count() const noexcept {
  return state_->count.load(std::memory_order_relaxed);
}

}  // namespace prong::python
