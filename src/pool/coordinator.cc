#include "pool/coordinator.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <utility>

#include "os/clock.h"
#include "os/cpus.h"
#include "os/futex.h"
#include "os/this_process.h"
#include "os/thread.h"
#include "prong/error.h"

namespace prong {
namespace {

constexpr std::uint64_t kKickToken = 0;
constexpr MonotonicNs kLease = 2'000'000;  ///< how long the role may stay free
constexpr MonotonicNs kListenPause = 20'000;
constexpr MonotonicNs kLinger = 1'000'000;  ///< the leader looks again after so long when jobs have ended
constexpr MonotonicNs kNap = 50'000;
constexpr MonotonicNs kFlowWindow = 200'000;  ///< over which it is seen whether jobs flow
constexpr MonotonicNs kFlowPause = 10'000;    ///< between two ends, in the mean, at most
constexpr MonotonicNs kMaxSpin = 50'000;
constexpr MonotonicNs kMinSpin = 1'000;

/// Grows by one in each forked child, so that a pool knows that it is in a copy of its program.
std::atomic<unsigned> fork_generation{0};

unsigned current_generation() {
  static const bool registered = [] {
    os::after_fork_in_child([] { fork_generation.fetch_add(1, std::memory_order_relaxed); });
    return true;
  }();
  (void)registered;
  return fork_generation.load(std::memory_order_relaxed);
}

PoolOptions with_defaults(PoolOptions options) {
  if (options.workers == 0) options.workers = os::fair_share_of_cpus();
  return options;
}

/// One doorbell per thread that ever followed. A forked child makes its own: the copy rings in the parent, too.
int own_doorbell() {
  thread_local os::Fd doorbell;
  thread_local unsigned generation = 0;
  if (!doorbell || generation != current_generation()) doorbell = os::create_eventfd();
  generation = current_generation();
  return doorbell.get();
}

/// Does something at the end of a block, however that is left.
template <typename Action>
class AtEnd {
 public:
  explicit AtEnd(Action action) : action_(std::move(action)) {}
  ~AtEnd() { action_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  Action action_;
};

}  // namespace

Coordinator::Coordinator(PoolOptions options)
    : kick_(os::create_eventfd()),
      engine_(with_defaults(std::move(options)), poller_, [this] { os::ring(kick_.get()); }),
      spin_budget_(os::usable_cpus().count > 1 ? kMaxSpin : 0),
      generation_(current_generation()) {
  poller_.add(kick_.get(), kKickToken, os::Poller::Trigger::kEdge);
  own_thread_ = os::start_thread([this] { run_own_thread(); });
  try {
    if (engine_.options().on_worker_lost) start_watcher();
  } catch (...) {
    end_threads();
    throw;
  }
}

Coordinator::~Coordinator() {
  end_threads();
}

void Coordinator::end_threads() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    role_changed_.notify_all();
    watcher_wanted_.notify_all();
    os::ring(kick_.get());
  }
  own_thread_.join();
  if (watcher_thread_.joinable()) watcher_thread_.join();
}

bool Coordinator::is_owner() const noexcept {
  return fork_generation.load(std::memory_order_relaxed) == generation_;
}

void Coordinator::check_owner() const {
  if (!is_owner())
    throw UsageError("this pool belongs to the parent process; a forked child must make a pool of its own");
}

// --- what callers ask for ---

Coordinator::Lock Coordinator::enter() const {
  others_wait_.fetch_add(1, std::memory_order_relaxed);
  Lock lock(mutex_);
  others_wait_.fetch_sub(1, std::memory_order_relaxed);
  return lock;
}

DefinitionPtr Coordinator::define(Payload definition) {
  const Lock lock = enter();
  return engine_.define(std::move(definition));
}

JobPtr Coordinator::submit(JobSpec spec) {
  const MonotonicNs now = os::monotonic_now();
  if (JobPtr job = engine_.try_submit(spec, now)) return job;
  const Lock lock = enter();
  JobPtr job = engine_.submit(std::move(spec), now);
  dispatch(now);
  return job;
}

std::vector<JobPtr> Coordinator::submit_all(std::vector<JobSpec> specs) {
  const MonotonicNs now = os::monotonic_now();
  std::vector<JobPtr> submitted = engine_.try_submit_all(specs, now);
  if (submitted.size() == specs.size()) return submitted;
  submitted.reserve(specs.size());
  const Lock lock = enter();
  for (JobSpec& spec : specs) submitted.push_back(engine_.submit(std::move(spec), now));
  dispatch(now);
  return submitted;
}

/// While the role is free nobody listens to the workers: who submits then does, now and then, so that their channels do
/// not run dry.
void Coordinator::dispatch(MonotonicNs now) {
  if (leader_ == Leader::kNobody && now - listened_at_ >= kListenPause) return step(now);
  keep_whole(now, [&] { engine_.dispatch(now); });
  after_change(now);
}

bool Coordinator::cancel(const JobPtr& job) {
  const Lock lock = enter();
  const MonotonicNs now = os::monotonic_now();
  const bool cancelled = engine_.cancel(job, now);
  keep_whole(now, [&] { engine_.dispatch(now); });
  after_change(now);
  return cancelled;
}

bool Coordinator::withdraw(const JobPtr& job) {
  const Lock lock = enter();
  const MonotonicNs now = os::monotonic_now();
  const bool cancelled = engine_.withdraw(job, now);
  keep_whole(now, [&] { engine_.dispatch(now); });
  after_change(now);
  return cancelled;
}

bool Coordinator::kill(const JobPtr& job) {
  const Lock lock = enter();
  const MonotonicNs now = os::monotonic_now();
  const bool killed = engine_.kill(job, now);
  step(now);
  return killed;
}

void Coordinator::resize(int workers) {
  const Lock lock = enter();
  const MonotonicNs now = os::monotonic_now();
  engine_.resize(workers, now);
  step(now);
}

void Coordinator::close() {
  const Lock lock = enter();
  engine_.close();
  step(os::monotonic_now());
}

void Coordinator::terminate() {
  const Lock lock = enter();
  const MonotonicNs now = os::monotonic_now();
  engine_.terminate(now);
  step(now);
}

bool Coordinator::closed() const {
  const Lock lock = enter();
  return engine_.closed();
}

bool Coordinator::ended() const {
  const Lock lock = enter();
  if (std::this_thread::get_id() == watcher_thread_.get_id()) return engine_.ended();
  return engine_.ended() && for_watcher_.empty() && losses_for_watcher_.empty() && !telling_;
}

std::string Coordinator::failure() const {
  const Lock lock = enter();
  return engine_.failure();
}

PoolStats Coordinator::stats() const {
  const Lock lock = enter();
  const jobs::Ledger& ledger = engine_.ledger();
  const std::uint64_t outside = engine_.waiting_outside();
  return {.submitted = ledger.submitted() + outside,
          .finished = ledger.finished(),
          .queued = ledger.queued() + outside,
          .dispatched = ledger.dispatched(),
          .workers_started = engine_.crew().started(),
          .workers_lost = engine_.crew().lost(),
          .launcher_pid = static_cast<std::uint64_t>(engine_.crew().launcher_pid())};
}

std::vector<WorkerInfo> Coordinator::workers() const {
  const Lock lock = enter();
  std::vector<WorkerInfo> infos;
  for (const auto& link : engine_.crew().links()) {
    const char* state = "ending";
    if (link->state == pool::LinkState::kStarting) state = "starting";
    if (link->state == pool::LinkState::kServing) state = link->idle() ? "idle" : "busy";
    infos.push_back({.id = link->id(), .pid = link->pid, .state = state, .jobs_done = link->jobs_done});
  }
  return infos;
}

std::vector<Outcome> Coordinator::finalizer_outcomes() const {
  const Lock lock = enter();
  return engine_.finalizer_outcomes();
}

// --- who leads ---

WaitResult Coordinator::wait(const std::function<bool()>& ready, const WaitOptions& options) {
  if (ready()) return WaitResult::kReady;
  Lock lock = enter();
  for (;;) {
    if (leader_ != Leader::kWaiter) {
      take_role(lock);
      if (leader_ == Leader::kWaiter) continue;  // somebody else was faster
      leader_ = Leader::kWaiter;
      taken_at_ = os::monotonic_now();
      engine_.set_led(true, taken_at_);
      const AtEnd leave([&] {
        if (!lock.owns_lock()) lock.lock();  // ready() threw
        leave_role();
        pass_role_on();
      });
      return lead(lock, ready, options);
    }
    if (const std::optional<WaitResult> ended = follow(lock, ready, options)) return *ended;
  }
}

void Coordinator::take_role(Lock& lock) {
  while (leader_ == Leader::kOwnThread) {
    role_wanted_ = true;
    if (asleep_) os::ring(kick_.get());
    role_changed_.wait(lock);
  }
}

/// What others have submitted meanwhile is handed out: nobody may look at it for a while.
void Coordinator::leave_role() {
  leader_ = Leader::kNobody;
  left_at_ = os::monotonic_now();
  keep_whole(left_at_, [&] { engine_.set_led(false, left_at_); });
  after_change(left_at_);
}

WaitResult Coordinator::lead(Lock& lock, const std::function<bool()>& ready, const WaitOptions& options) {
  for (;;) {
    step(os::monotonic_now());
    const std::uint64_t changes_seen = changes_;
    lock.unlock();
    const bool done = ready();
    lock.lock();
    if (done) return WaitResult::kReady;
    if (options.deadline && os::monotonic_now() >= *options.deadline) return WaitResult::kTimedOut;
    if (changes_ != changes_seen) continue;  // another thread finished something meanwhile
    if (spin(lock) || changes_ != changes_seen) continue;
    if (sleep(lock, options.deadline, options.signals) == os::Poller::Wake::kInterrupted && options.signals != nullptr)
      return WaitResult::kInterrupted;
  }
}

// Asleep until the leader says that something was finished or that the role is free; then nothing, to look again.
std::optional<WaitResult> Coordinator::follow(Lock& lock, const std::function<bool()>& ready,
                                              const WaitOptions& options) {
  const int doorbell = own_doorbell();
  followers_.push_back(doorbell);
  bool done = false;
  os::Awoken awoken = os::Awoken::kRung;
  {
    const AtEnd unfollow([&] {
      lock.lock();
      std::erase(followers_, doorbell);
      os::silence(doorbell);
      if (done || awoken != os::Awoken::kRung || std::uncaught_exceptions() > 0) pass_role_on();
    });
    lock.unlock();
    done = ready();  // once more: from here on the doorbell rings
    if (!done) {
      awoken = os::wait_for_doorbell(doorbell, options.deadline.value_or(-1), options.signals);
      done = ready();
    }
  }
  if (done) return WaitResult::kReady;
  if (awoken == os::Awoken::kTimedOut) return WaitResult::kTimedOut;
  if (awoken == os::Awoken::kInterrupted && options.signals != nullptr) return WaitResult::kInterrupted;
  return std::nullopt;
}

/// If the role is free: to a thread that waits, else to the own thread.
void Coordinator::pass_role_on() {
  if (leader_ != Leader::kNobody) return;
  if (!followers_.empty())
    os::ring(followers_.front());
  else if (own_thread_parked_)
    role_changed_.notify_all();
}

void Coordinator::run_own_thread() {
  os::name_this_thread("prong");
  Lock lock(mutex_);
  while (!stopping_) {
    const MonotonicNs unchanged_for = os::monotonic_now() - std::max(taken_at_, left_at_);
    if (role_wanted_ || unchanged_for < kLease) {  // waiters come and go: leave the role to them
      role_wanted_ = false;
      role_changed_.notify_all();
      role_changed_.wait_for(lock, std::chrono::nanoseconds(kLease));
      continue;
    }
    if (leader_ == Leader::kWaiter) {
      own_thread_parked_ = true;
      role_changed_.wait(lock);
      own_thread_parked_ = false;
      continue;
    }
    leader_ = Leader::kOwnThread;
    engine_.set_led(true, os::monotonic_now());
    while (!stopping_ && !role_wanted_) {
      const MonotonicNs now = os::monotonic_now();
      const bool flows = note_flow(now);
      step(now, flows);
      if (stopping_ || role_wanted_) break;
      if (flows || (others_wait_ != 0 && engine_.anything_waiting()))
        nap(lock);
      else
        sleep(lock, std::nullopt, nullptr);
    }
    leave_role();
  }
}

// --- one step of the loop ---

void Coordinator::step(MonotonicNs now, bool again_soon) {
  listened_at_ = now;
  keep_whole(now, [&] { engine_.work(now, again_soon); });
  after_change(now);
}

/// Whether so many jobs end that it is no use to hear of each.
bool Coordinator::note_flow(MonotonicNs now) {
  if (now - flow_seen_at_ < kFlowWindow) return flows_;
  const std::uint64_t finished = engine_.ledger().finished();
  const std::uint64_t ended = finished - std::exchange(flow_finished_, finished);
  flows_ = static_cast<MonotonicNs>(ended) * kFlowPause >= now - std::exchange(flow_seen_at_, now);
  return flows_;
}

/// Instead of being rung for each few results of a flow of short jobs: asleep for a moment, then there are many. While
/// workers are faster than this thread there are always some: then it sleeps for those who wait for the lock.
void Coordinator::nap(Lock& lock) {
  if (engine_.anything_waiting() && others_wait_ == 0) return;
  const MonotonicNs until = os::monotonic_now() + kNap;
  asleep_ = true;
  asleep_until_ = until;
  lock.unlock();
  woken_.clear();
  poller_.wait(woken_, until, nullptr);
  lock.lock();
  asleep_ = false;
  if (std::find(woken_.begin(), woken_.end(), pool::Crew::kLauncherToken) != woken_.end()) engine_.launcher_spoke();
}

/// What the engine cannot do for lack of memory or descriptors ends the pool with that reason, rather than go on with
/// half a state.
template <typename Work>
void Coordinator::keep_whole(MonotonicNs now, const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    engine_.break_down(error.what(), now);
  }
}

/// After anything that may have finished jobs or moved a deadline.
void Coordinator::after_change(MonotonicNs now) {
  hand_to_watcher();
  if (engine_.ledger().finished() != finished_seen_ || (engine_.ended() && !ended_seen_)) {
    ended_seen_ = engine_.ended();
    finished_seen_ = engine_.ledger().finished();
    ++changes_;
    for (const int doorbell : followers_) os::ring(doorbell);
    if (asleep_) os::ring(kick_.get());  // finished by another thread than the leader
  }
  if (!asleep_) return;
  const std::optional<MonotonicNs> deadline = engine_.next_deadline(now);
  if (!deadline || (asleep_until_ != 0 && asleep_until_ <= *deadline)) return;
  asleep_until_ = *deadline;  // for the leader to know, it is enough to wake once
  os::ring(kick_.get());
}

os::Poller::Wake Coordinator::sleep(Lock& lock, std::optional<MonotonicNs> until, const sigset_t* signals) {
  if (!engine_.arm()) {
    engine_.disarm();
    return os::Poller::Wake::kReady;
  }
  const MonotonicNs now = os::monotonic_now();
  std::optional<MonotonicNs> deadline = engine_.next_deadline(now);
  // Where jobs come and go, others are about to come: who submits them need not wake this thread for their deadlines.
  const bool busy = std::exchange(finished_at_sleep_, engine_.ledger().finished()) != engine_.ledger().finished();
  if (busy) deadline = std::min(deadline.value_or(now + kLinger), now + kLinger);
  if (deadline && (!until || *deadline < *until)) until = deadline;
  asleep_ = true;
  asleep_until_ = until.value_or(0);
  lock.unlock();
  woken_.clear();
  const os::Poller::Wake wake = poller_.wait(woken_, until.value_or(-1), signals);
  lock.lock();
  if (spin_budget_ != 0 && os::monotonic_now() - now < kMaxSpin) spin_budget_ = kMaxSpin;
  asleep_ = false;
  engine_.disarm();
  if (std::find(woken_.begin(), woken_.end(), pool::Crew::kLauncherToken) != woken_.end()) engine_.launcher_spoke();
  return wake;
}

/// Watches the channels for a moment before sleeping: an answer that comes at once costs no system call. Only while it
/// can come from another CPU. Half the time after a failure, all of it again after a success, or a sleep as short as
/// that.
bool Coordinator::spin(Lock& lock) {
  const std::uint64_t dispatched = engine_.ledger().dispatched();
  if (spin_budget_ < kMinSpin || dispatched == 0 || dispatched > engine_.crew().links().size()) return false;
  std::vector<std::pair<std::shared_ptr<pool::WorkerLink>, std::uint64_t>> links;
  for (const auto& link : engine_.crew().links())
    if (!link->idle()) links.emplace_back(link, link->results_published());
  lock.unlock();
  const auto waiting = [&] {
    return std::any_of(links.begin(), links.end(),
                       [](const auto& seen) { return seen.first->results_published() != seen.second; });
  };
  const auto elsewhere = [&] {
    const int here = os::current_cpu();
    return std::any_of(links.begin(), links.end(), [here](const auto& seen) { return seen.first->cpu() != here; });
  };
  const MonotonicNs until = os::monotonic_now() + spin_budget_;
  bool found = waiting();
  bool in_time = true;
  while (!found && in_time && elsewhere()) {
    for (int i = 0; i < 16 && !found; ++i) {
      os::relax();
      found = waiting();
    }
    in_time = os::monotonic_now() < until;
  }
  lock.lock();
  if (found) spin_budget_ = kMaxSpin;
  if (!found && !in_time) spin_budget_ = std::max(spin_budget_ / 2, kMinSpin);
  return found;
}

// --- jobs that somebody looks at ---

bool Coordinator::watch(const JobPtr& job) {
  const Lock lock = enter();
  if (watcher_) start_watcher();
  return engine_.watch(job);
}

void Coordinator::start_watcher() {
  if (!watcher_thread_.joinable()) watcher_thread_ = os::start_thread([this] { run_watcher(); });
}

void Coordinator::set_watcher(std::function<void(std::span<const JobPtr>)> watcher) {
  const Lock lock(mutex_);
  watcher_ = std::move(watcher);
}

void Coordinator::hand_to_watcher() {
  std::vector<JobPtr> watched = engine_.take_watched();
  std::vector<WorkerLoss> losses = engine_.take_losses();
  if (watched.empty() && losses.empty()) return;
  losses_for_watcher_.insert(losses_for_watcher_.end(), std::make_move_iterator(losses.begin()),
                             std::make_move_iterator(losses.end()));
  for_watcher_.insert(for_watcher_.end(), std::make_move_iterator(watched.begin()),
                      std::make_move_iterator(watched.end()));
  watcher_wanted_.notify_one();
}

/// What it throws is nobody's business here.
void Coordinator::tell_loss(const WorkerLoss& loss) const noexcept {
  try {
    engine_.options().on_worker_lost(loss);
  } catch (...) {
  }
}

void Coordinator::run_watcher() {
  os::name_this_thread("prong-watcher");
  Lock lock(mutex_);
  for (;;) {
    watcher_wanted_.wait(lock, [&] { return stopping_ || !for_watcher_.empty() || !losses_for_watcher_.empty(); });
    if (for_watcher_.empty() && losses_for_watcher_.empty()) return;
    const std::vector<JobPtr> batch = std::exchange(for_watcher_, {});
    const std::vector<WorkerLoss> losses = std::exchange(losses_for_watcher_, {});
    telling_ = true;
    lock.unlock();
    if (!batch.empty()) watcher_(batch);
    for (const WorkerLoss& loss : losses) tell_loss(loss);
    lock.lock();
    telling_ = false;
    if (!engine_.ended()) continue;
    ++changes_;  // who waits for the end of the pool waits for this, too
    for (const int doorbell : followers_) os::ring(doorbell);
    os::ring(kick_.get());
  }
}

}  // namespace prong
