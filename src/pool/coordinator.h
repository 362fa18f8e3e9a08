// Coordinator: guards an Engine by one lock and drives it. Who waits, works: one thread at a time leads (runs the event
// loop); waiting threads take the role from the coordinator's own thread, which has it only when nobody waits.
//
// Roles, under `mutex_`:
//   leading_ == nobody   for at most kLease after a waiting thread left: the own thread then takes over
//   leading_ == own      the own thread sleeps in the poller; `kick_` wakes it
//   leading_ == waiter   a thread in wait(); other waiting threads follow, each asleep on a doorbell of its own
//
// Lock order: mutex_, then the engine's intake's, or a CompletionQueue's own. No lock is held while user code (ready(),
// the watcher) runs. Coordinator process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "os/poller.h"
#include "pool/engine.h"
#include "prong/pool.h"

namespace prong {

class Coordinator {
 public:
  explicit Coordinator(PoolOptions options);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  DefinitionPtr define(Payload definition);
  JobPtr submit(JobSpec spec);
  std::vector<JobPtr> submit_all(std::vector<JobSpec> specs);
  bool cancel(const JobPtr& job);
  bool withdraw(const JobPtr& job);
  bool kill(const JobPtr& job);
  WaitResult wait(const std::function<bool()>& ready, const WaitOptions& options);
  bool watch(const JobPtr& job);
  void set_watcher(std::function<void(std::span<const JobPtr>)> watcher);
  void resize(int workers);
  void close();
  void terminate();
  bool closed() const;
  bool ended() const;
  std::string failure() const;
  PoolStats stats() const;
  std::vector<WorkerInfo> workers() const;
  std::vector<Outcome> finalizer_outcomes() const;
  const PoolOptions& options() const noexcept { return engine_.options(); }

  /// Throws UsageError in a process other than the one that made the pool.
  void check_owner() const;
  bool is_owner() const noexcept;

 private:
  using Lock = std::unique_lock<std::mutex>;
  enum class Leader { kNobody, kOwnThread, kWaiter };
  Lock enter() const;
  void run_own_thread();
  WaitResult lead(Lock& lock, const std::function<bool()>& ready, const WaitOptions& options);
  std::optional<WaitResult> follow(Lock& lock, const std::function<bool()>& ready, const WaitOptions& options);
  void take_role(Lock& lock);
  void leave_role();
  void pass_role_on();

  void step(MonotonicNs now, bool again_soon = false);
  bool note_flow(MonotonicNs now);
  void nap(Lock& lock);
  template <typename Work>
  void keep_whole(MonotonicNs now, const Work& work);
  void dispatch(MonotonicNs now);
  os::Poller::Wake sleep(Lock& lock, std::optional<MonotonicNs> until, const sigset_t* signals);
  bool spin(Lock& lock);
  void after_change(MonotonicNs now);
  void hand_to_watcher();
  void start_watcher();
  void end_threads();
  void tell_loss(const WorkerLoss& loss) const noexcept;
  void run_watcher();

  mutable std::mutex mutex_;
  mutable std::atomic<int> others_wait_ = 0;  ///< for it, who do not lead; a hint: the own thread makes room for them
  os::Poller poller_;
  os::Fd kick_;
  pool::Engine engine_;

  Leader leader_ = Leader::kNobody;
  bool role_wanted_ = false;        ///< a waiter wants the role from the own thread
  bool own_thread_parked_ = false;  ///< the own thread sleeps without a time limit: wake it when the role falls free
  MonotonicNs taken_at_ = 0;        ///< when a waiter last took the role
  MonotonicNs left_at_ = 0;         ///< when it was last left
  MonotonicNs listened_at_ = 0;     ///< to the workers
  std::condition_variable role_changed_;
  std::vector<int> followers_;  ///< doorbells of waiting threads that do not lead
  std::uint64_t finished_seen_ = 0;
  bool ended_seen_ = false;
  std::uint64_t changes_ = 0;  ///< grows when a waiter should look again

  bool asleep_ = false;                  ///< the leader is in the poller
  MonotonicNs asleep_until_ = 0;         ///< 0: without limit
  std::uint64_t finished_at_sleep_ = 0;  ///< jobs, when the leader last went to sleep
  std::vector<std::uint64_t> woken_;
  bool flows_ = false;  ///< many short jobs end
  MonotonicNs flow_seen_at_ = 0;
  std::uint64_t flow_finished_ = 0;  ///< jobs, then
  MonotonicNs spin_budget_;
  bool stopping_ = false;

  std::function<void(std::span<const JobPtr>)> watcher_;
  std::vector<JobPtr> for_watcher_;
  std::vector<WorkerLoss> losses_for_watcher_;
  bool telling_ = false;
  std::condition_variable watcher_wanted_;
  std::thread watcher_thread_;
  unsigned generation_;  ///< of forks: see check_owner
  std::thread own_thread_;
};

}  // namespace prong
