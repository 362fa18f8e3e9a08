// Engine: what a pool does, as one list of steps. Wires ledger, dispatcher and crew together.
//
// A job's path:
//   submit ─> Ledger (queued) ─> Dispatcher ─> WorkerLink ─> [worker] ─> Crew::listen ─> on_ending ─> Ledger (done)
//                ▲                                  │ worker gone: on_gone
//                └── retry policy, take-back <──────┘
//
// Coordinator process; has no lock and no thread of its own: Coordinator guards and drives it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ipc/block_store.h"
#include "jobs/ledger.h"
#include "pool/crew.h"
#include "pool/dispatcher.h"
#include "pool/forgotten.h"
#include "pool/staffing.h"
#include "prong/pool.h"

namespace prong::pool {

class Engine final : private CrewEvents {
 public:
  /// `options.workers` > 0. Starts the launcher. Throws.
  /// `look`: has somebody call work() soon; any thread, also with other locks held.
  Engine(PoolOptions options, os::Poller& poller, const std::function<void()>& look);
  ~Engine() override { forgotten_->close(); }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  DefinitionPtr define(Payload definition);
  /// Throws ClosedError, PoolError.
  JobPtr submit(JobSpec spec, MonotonicNs now);
  /// The same, by any thread without the pool's lock; null, and `spec` as it was, if that is not possible now.
  JobPtr try_submit(JobSpec& spec, MonotonicNs now);
  /// The same for all of them, or none.
  std::vector<JobPtr> try_submit_all(std::span<JobSpec> specs, MonotonicNs now);
  /// What submit() leaves to be done once after several.
  void dispatch(MonotonicNs now);
  /// Whether somebody leads, who hears of what workers have done. While nobody does, try_submit() is not possible.
  void set_led(bool led, MonotonicNs now);
  bool cancel(const JobPtr& job, MonotonicNs now);
  bool withdraw(const JobPtr& job, MonotonicNs now);
  bool kill(const JobPtr& job, MonotonicNs now);
  bool watch(const JobPtr& job) { return ledger_.watch(job); }
  std::vector<JobPtr> take_watched() { return ledger_.take_watched(); }

  /// Throws UsageError.
  void resize(int workers, MonotonicNs now);
  void close();
  /// The pool can do no more: all its jobs end.
  void break_down(const std::string& why, MonotonicNs now);
  void terminate(MonotonicNs now);
  bool closed() const noexcept { return closed_; }
  /// Closed, all jobs done, every process gone.
  bool ended() const noexcept { return is_over() && crew_.empty() && crew_.launcher_ended(); }
  const std::string& failure() const noexcept { return failure_; }

  void launcher_spoke() noexcept { crew_.launcher_spoke(); }
  /// Does everything that can be done now. `again_soon`: the caller comes back within microseconds, so jobs that are
  /// submitted until then may wait for that.
  void work(MonotonicNs now, bool again_soon = false);
  /// Jobs of microseconds come and go, in numbers.
  bool flows() const noexcept { return dispatcher_.short_jobs() && ledger_.dispatched() >= kFlow; }
  /// When to call work() again though nothing happened; nothing: never.
  std::optional<MonotonicNs> next_deadline(MonotonicNs now);
  /// About to sleep: have workers ring. False if there is something to do already.
  bool arm() { return crew_.arm(); }
  bool anything_waiting() const noexcept { return crew_.anything_waiting(); }
  void disarm() { crew_.disarm(); }

  const jobs::Ledger& ledger() const noexcept { return ledger_; }
  std::uint64_t waiting_outside() const { return intake_.size(); }
  const Crew& crew() const noexcept { return crew_; }
  const PoolOptions& options() const noexcept { return options_; }
  const std::vector<Outcome>& finalizer_outcomes() const noexcept { return finalizer_outcomes_; }
  /// Losses since the last call, if somebody wants to know of them.
  std::vector<WorkerLoss> take_losses() { return std::exchange(losses_, {}); }

 private:
  void on_ending(WorkerLink& link, Ending& ending) override;
  void on_gone(WorkerLink& link, const Death& death, std::vector<WorkerLink::Remains> remains) override;
  void on_hopeless(const std::string& why) override { fail(why); }

  static constexpr std::uint64_t kFlow = 16;
  static constexpr int kMostRounds = 4;
  void check_needs(const JobSpec& spec) const;
  bool may_go_into_intake(const JobSpec& spec) const;
  void admit();
  void close_intake();
  void hand_out(MonotonicNs now);
  bool intake_may_stay_open(bool again_soon) const noexcept;
  void settle(MonotonicNs now, bool again_soon);
  void on_job_ended(WorkerLink& link, Ending& ending);
  void on_initialized(const Outcome& outcome);
  void keep_finalizer_outcome(Outcome outcome);
  void judge(WorkerLink& link, const Death& death, WorkerLink::Remains& remains);
  bool judge_items(WorkerLink& link, const Death& death, const WorkerLink::Remains& remains);
  void end(const JobPtr& job, Attempt attempt);
  void fail(const std::string& why);
  void fail(const std::string& why, const Outcome& outcome_of_queued);
  void end_stranded_jobs();
  void dismiss();

  bool cancel_one(const JobPtr& job, MonotonicNs now);
  void enforce_limits();
  void enforce(WorkerLink& link);
  void stop_asked(WorkerLink& link);
  void expire_queued_jobs();
  void enforce_budget();
  void enforce_stall();
  void look_at_blocks(MonotonicNs now);
  void tell_what_is_not_needed(MonotonicNs now);
  MonotonicNs stalled_at(WorkerLink& link) const;
  std::optional<TimedOut> exceeded(WorkerLink& link, const Outstanding& request) const;
  std::chrono::nanoseconds allowed(const Outstanding& request) const noexcept;
  bool stop_for(WorkerLink& link, std::uint64_t sequence, MonotonicNs started, Outcome verdict, Kill kill);
  /// No jobs are left, and none can come.
  bool is_over() const noexcept { return closed_ && ledger_.all_done(); }
  Staffing::Need need() const noexcept;
  void fill_up();
  void retire_workers();
  void stop_initializers();

  PoolOptions options_;
  jobs::Intake intake_;
  jobs::Ledger ledger_;
  Crew crew_;
  Dispatcher dispatcher_;
  Staffing staffing_;
  std::shared_ptr<Forgotten> forgotten_;
  DefinitionId next_definition_ = 0;
  std::vector<Outcome> finalizer_outcomes_;
  std::vector<WorkerLoss> losses_;
  std::string failure_;
  std::optional<Outcome> failed_with_;  ///< what queued jobs come to once the pool has failed
  MonotonicNs budget_until_ = 0;        ///< 0: no budget
  MonotonicNs last_progress_ = 0;       ///< when a job was last finished, or the first one began
  std::uint64_t finished_then_ = 0;
  ipc::BlockStore::Customer block_customer_;
  MonotonicNs blocks_due_ = 0;  ///< when blocks are looked at; 0: nothing to look at
  std::uint64_t finished_at_look_ = 0;
  MonotonicNs now_ = 0;  ///< of the step that is going on
  bool led_ = false;
  bool closed_ = false;
  bool terminated_ = false;
  bool dismissed_ = false;
};

}  // namespace prong::pool
