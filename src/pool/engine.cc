#include "pool/engine.h"

#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "os/clock.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

using ipc::RequestKind;

/// While jobs run, channels are looked at this often though no doorbell rang: a job can damage its worker's.
constexpr MonotonicNs kLookAnyway = 1'000'000'000;
constexpr MonotonicNs kLookForRoom = 2'000'000;
/// A request whose use is to be measured, and that was not seen to begin, is looked at this often.
constexpr MonotonicNs kLookForStart = 10'000'000;
constexpr std::size_t kMostFinalizerOutcomes = 10'000;  ///< the last ones are kept

constexpr const char* kNonsense = "the worker wrote nonsense into its channel";

/// What a worker's end means for the job that it was running.
Outcome outcome_of(const Death& death, const WorkerLink& link) {
  if (death.launcher_lost) return Lost{LostReason::kLauncherLost, "the launcher died, and the worker with it"};
  if (death.vanished) return Lost{LostReason::kWorkerLost, "its start failed"};
  if (link.damaged) return Lost{LostReason::kChannelDamaged, kNonsense};
  if (death.out_of_memory) return Lost{LostReason::kMemory, "the kernel killed the worker"};
  if (WIFSIGNALED(death.wait_status)) return Signalled{WTERMSIG(death.wait_status), WCOREDUMP(death.wait_status) != 0};
  return Exited{WEXITSTATUS(death.wait_status)};
}

/// A definition that a worker does not survive is part of the job that needed it: else it would be tried for ever.
void blame_for_definition(std::vector<WorkerLink::Remains>& remains) {
  bool died_in_definition = false;
  for (WorkerLink::Remains& each : remains) {
    if (each.request.kind == RequestKind::kDefine) died_in_definition |= each.began;
    if (each.request.kind != RequestKind::kRun) continue;
    if (died_in_definition && !each.began) {
      each.began = true;
      each.claimed = each.request.is_batch() ? each.request.job->items()->first : 0;
    }
    return;
  }
}

/// What counts against a job's limit of output: what a command wrote, or the value of a function.
std::uint64_t output_bytes(const Attempt& attempt) {
  const auto* returned = std::get_if<Returned>(&attempt.outcome);
  return attempt.output.size() + attempt.error_output.size() + (returned != nullptr ? returned->value.size() : 0);
}

void mark_unconfirmed(Outcome& outcome, const Death& death) {
  if (auto* timed_out = std::get_if<TimedOut>(&outcome)) {
    timed_out->unconfirmed = true;
    timed_out->leftovers = "process " + death.left;
    if (death.unconfirmed > 1) timed_out->leftovers += " and " + std::to_string(death.unconfirmed - 1) + " more";
  }
}

}  // namespace

Engine::Engine(PoolOptions options, os::Poller& poller, const std::function<void()>& look)
    : options_(std::move(options)),
      ledger_(static_cast<std::uint64_t>(os::monotonic_now()), options_.start == StartKind::kCommand),
      crew_(options_, poller, *this),
      dispatcher_(options_, ledger_, crew_),
      staffing_(options_, ledger_, crew_, dispatcher_.cpus()),
      forgotten_(std::make_shared<Forgotten>(look)),
      block_customer_(look) {
  if (options_.budget.count() > 0) budget_until_ = os::monotonic_now() + options_.budget.count();
}

DefinitionPtr Engine::define(Payload definition) {
  return std::make_shared<const Definition>(next_definition_++, std::move(definition), forgotten_);
}

void Engine::check_needs(const JobSpec& spec) const {
  if (!spec.needs) return;
  for (const DefinitionPtr& definition : *spec.needs)
    if (!definition || !definition->belongs_to(*forgotten_))
      throw UsageError("a job needs a definition that this pool has not made: define() it");
}

bool Engine::may_go_into_intake(const JobSpec& spec) const {
  if (!intake_.is_open() || !jobs::is_plain(spec)) return false;
  check_needs(spec);
  return true;
}

JobPtr Engine::try_submit(JobSpec& spec, MonotonicNs now) {
  return may_go_into_intake(spec) ? intake_.try_add(spec, now) : nullptr;
}

std::vector<JobPtr> Engine::try_submit_all(std::span<JobSpec> specs, MonotonicNs now) {
  const bool may = std::ranges::all_of(specs, [this](const JobSpec& spec) { return may_go_into_intake(spec); });
  return may ? intake_.try_add_all(specs, now) : std::vector<JobPtr>();
}

JobPtr Engine::submit(JobSpec spec, MonotonicNs now) {
  if (!failure_.empty()) throw PoolError("the pool takes no more jobs: " + failure_);
  if (closed_) throw ClosedError("the pool is closed and takes no more jobs");
  check_needs(spec);
  if (spec.items != 0 && !may_be_batches(spec.options ? *spec.options : JobOptions(), options_))
    throw UsageError("jobs with these options cannot be batches");
  close_intake();  // ids are given out in one place at a time
  return ledger_.submit(std::move(spec), now);
}

void Engine::close() {
  close_intake();
  closed_ = true;
}

/// What came in by the side entrance is queued like any other job.
void Engine::admit() {
  if (!intake_.is_open() && !intake_.has_left()) return;
  intake_.take([this](JobPtr&& job) { ledger_.admit(std::move(job)); });
}

void Engine::close_intake() {
  if (!intake_.is_open() && !intake_.has_left()) return;
  intake_.close();
  intake_.take([this](JobPtr&& job) { ledger_.admit(std::move(job)); });
}

void Engine::set_led(bool led, MonotonicNs now) {
  led_ = led;
  if (led || !intake_.is_open()) return;
  now_ = now;
  close_intake();
  hand_out(now);
}

void Engine::dispatch(MonotonicNs now) {
  now_ = now;
  admit();
  hand_out(now);
  settle(now, false);
}

/// Whether a job that comes into the intake is sure to be seen, and need not be seen before.
bool Engine::intake_may_stay_open(bool again_soon) const noexcept {
  const bool nothing_to_win = dispatcher_.all_full() && crew_.live() >= options_.workers;
  return led_ && !closed_ && (again_soon || nothing_to_win);
}

/// Leaves the intake open if it may be, else closed and empty. While others submit as fast as jobs are handed out here
/// it would never be found empty: then they wait.
void Engine::settle(MonotonicNs now, bool again_soon) {
  for (int round = 0; !intake_may_stay_open(again_soon); ++round) {
    if (!intake_.is_open() || intake_.close_if_empty()) return;
    round < kMostRounds ? admit() : close_intake();
    hand_out(now);
  }
  if (!intake_.is_open()) intake_.open(ledger_.next_id());
}

void Engine::hand_out(MonotonicNs now) {
  dispatcher_.dispatch(now);
  if (!ledger_.has_ready(now)) return;
  fill_up();
}

void Engine::work(MonotonicNs now, bool again_soon) {
  now_ = now;
  admit();
  if (led_ && !closed_ && !intake_.is_open() && flows()) intake_.open(ledger_.next_id());
  crew_.listen(now);
  admit();
  enforce_limits();
  dispatcher_.take_back_behind_long_jobs(now);
  end_stranded_jobs();
  retire_workers();
  tell_what_is_not_needed(now);
  dispatcher_.dispatch(now);
  fill_up();
  crew_.watch_idle_workers(now);
  crew_.watch_starts(now);
  crew_.watch_launcher(now);
  look_at_blocks(now);
  settle(now, again_soon);
}

void Engine::tell_what_is_not_needed(MonotonicNs now) {
  const std::vector<DefinitionId> forgotten = forgotten_->take();
  for (const auto& link : crew_.links()) {
    for (const DefinitionId id : forgotten) link->forget(id);
    if (link->state != LinkState::kServing || link->damaged) continue;
    link->push_what_is_not_needed(now);
    if (link->damaged) crew_.stop(*link, {});
  }
}

/// Once a second, while jobs end, and once more afterwards: unused blocks go back to the system. One that a worker
/// keeps in spite of being idle is not asked for again. While a submission waits for room, it is looked all the time.
void Engine::look_at_blocks(MonotonicNs now) {
  ipc::BlockStore& store = ipc::BlockStore::of_this_process();
  const auto take_back = [this] {
    for (const auto& link : crew_.links()) link->take_blocks_back();
  };
  const std::uint64_t asked = store.looks_asked();
  if (store.somebody_waits()) {
    take_back();
    block_customer_.has_looked(asked);
    blocks_due_ = now + kLookForRoom;
    return;
  }
  const bool due = blocks_due_ != 0 && now >= blocks_due_;
  if (!due && blocks_due_ != 0) return;
  const bool something_ended = std::exchange(finished_at_look_, ledger_.finished()) != ledger_.finished();
  if (due) {
    take_back();
    store.release_idle(now);
  }
  const bool again = something_ended ? ipc::BlockStore::in_use() : due && ipc::BlockStore::keeps_any();
  blocks_due_ = again ? now + ipc::BlockStore::kKeepNs : 0;
  if (again) block_customer_.keep_until(blocks_due_);
}

// --- what workers say ---

void Engine::on_ending(WorkerLink& link, Ending& ending) {
  staffing_.end_head_start();
  switch (ending.request.kind) {
    case RequestKind::kRun:
      return on_job_ended(link, ending);
    case RequestKind::kInitialize:
      return on_initialized(ending.attempt.outcome);
    case RequestKind::kFinish:
      return keep_finalizer_outcome(std::move(ending.attempt.outcome));
    case RequestKind::kDefine:
    case RequestKind::kBatch:
    case RequestKind::kForget:
    case RequestKind::kRelease:
      return;
  }
}

void Engine::on_job_ended(WorkerLink& link, Ending& ending) {
  const bool was_stopped = link.verdict && link.stop_sequence == ending.request.sequence;
  if (was_stopped && !ending.request.is_batch()) {
    ending.attempt.outcome = *link.verdict;  // decided once; a later answer does not count
  } else if (auto exceeded = exceeds_output(ending.request.job->options(), output_bytes(ending.attempt))) {
    ending.attempt.outcome = *std::move(exceeded);
  }
  dispatcher_.note_duration(std::chrono::nanoseconds(ending.attempt.ended - ending.attempt.started));
  if (was_stopped || is_exclusive(ending.request.job->options())) {
    link.held = HeldEnding{std::move(ending.request.job), std::move(ending.attempt)};
    crew_.stop(link, Kill::kAtOnce);
    return;
  }
  end(ending.request.job, std::move(ending.attempt));
}

void Engine::keep_finalizer_outcome(Outcome outcome) {
  if (options_.finalizer.empty()) return;
  if (finalizer_outcomes_.size() == kMostFinalizerOutcomes) finalizer_outcomes_.erase(finalizer_outcomes_.begin());
  finalizer_outcomes_.push_back(std::move(outcome));
}

void Engine::on_initialized(const Outcome& outcome) {
  if (succeeded(outcome, false) || terminated_) return;
  const auto* raised = std::get_if<Raised>(&outcome);
  fail("the initializer " + describe(outcome) + (raised != nullptr ? "\n" + raised->traceback : ""));
}

void Engine::on_gone(WorkerLink& link, const Death& death, std::vector<WorkerLink::Remains> remains) {
  if (options_.on_worker_lost && !death.expected && !terminated_ && link.pid != 0)
    losses_.push_back({.worker = link.id(), .pid = link.pid, .outcome = outcome_of(death, link)});
  if (link.held) {
    if (death.unconfirmed != 0) mark_unconfirmed(link.held->attempt.outcome, death);
    end(link.held->job, std::move(link.held->attempt));
  }
  blame_for_definition(remains);
  for (auto remain = remains.rbegin(); remain != remains.rend(); ++remain) judge(link, death, *remain);
}

// Never began: free of charge. Began: the verdict that was decided for it, else how the worker ended.
void Engine::judge(WorkerLink& link, const Death& death, WorkerLink::Remains& remains) {
  Outstanding& request = remains.request;
  if (request.kind == RequestKind::kInitialize && remains.began && !death.launcher_lost)
    return on_initialized(link.verdict ? *link.verdict : outcome_of(death, link));
  if (request.kind == RequestKind::kFinish) keep_finalizer_outcome(outcome_of(death, link));
  if (request.kind != RequestKind::kRun) return;
  if (!remains.began) {
    ledger_.take_back(request.job);
    return;
  }
  if (request.is_batch() && judge_items(link, death, remains)) return;
  Attempt attempt{.worker_pid = link.pid, .started = std::max(request.started, request.pushed), .ended = now_};
  link.collect_partial_output(attempt);
  const bool was_stopped = link.verdict && link.stop_sequence == request.sequence;
  attempt.outcome = was_stopped ? *link.verdict : outcome_of(death, link);
  if (remains.unknown && !was_stopped) attempt.outcome = Lost{LostReason::kChannelDamaged, kNonsense};
  if (terminated_) attempt.outcome = Cancelled{.while_running = true};
  if (death.unconfirmed != 0) mark_unconfirmed(attempt.outcome, death);
  end(request.job, std::move(attempt));
}

/// What was not begun goes to another job. True if none of the items was running: then nothing else is to be judged.
bool Engine::judge_items(WorkerLink& link, const Death& death, const WorkerLink::Remains& remains) {
  const JobPtr& job = remains.request.job;
  const Items& items = *job->items();
  const bool was_stopped = link.verdict && link.stop_sequence == remains.request.sequence;
  std::uint32_t begun = remains.claimed;
  if (was_stopped && !terminated_) begun = std::max(begun, items.first + std::min(items.ended + 1, items.count));
  if (begun == items.first) {
    if (!death.launcher_lost) return ledger_.take_back_unbegun(job);
    ledger_.take_back(job);
    return true;
  }
  if (begun < end_of(items)) ledger_.split(job, begun);
  if (items.ended < items.count) return false;
  end(job, {.worker_pid = link.pid,
            .started = std::max(remains.request.started, remains.request.pushed),
            .ended = now_,
            .outcome = Returned{}});
  return true;
}

void Engine::end(const JobPtr& job, Attempt attempt) {
  const auto* limited = std::get_if<TimedOut>(&attempt.outcome);
  if (limited != nullptr && limited->limit == Limit::kMemory && attempt.peak_memory < 0)
    attempt.peak_memory = static_cast<std::int64_t>(limited->peak_bytes);
  if (terminated_)
    ledger_.end_finally(job, std::move(attempt), now_);
  else
    ledger_.end_attempt(job, std::move(attempt), now_);
}

void Engine::fail(const std::string& why) {
  fail(why, Lost{LostReason::kStartFailed, why});
}

void Engine::fail(const std::string& why, const Outcome& outcome_of_queued) {
  if (failure_.empty()) {
    failure_ = why;
    failed_with_ = outcome_of_queued;
  }
  close();
  ledger_.finish_queued(*failed_with_, now_);
}

// Jobs that came back from workers after the pool failed or was terminated.
void Engine::end_stranded_jobs() {
  if (ledger_.queued() == 0) return;
  if (terminated_) ledger_.finish_queued(Cancelled{}, now_);
  if (failed_with_) ledger_.finish_queued(*failed_with_, now_);
}

// --- limits and cancelling ---

std::chrono::nanoseconds Engine::allowed(const Outstanding& request) const noexcept {
  if (request.kind == RequestKind::kRun) return request.job->options().timeout;
  if (request.kind == RequestKind::kInitialize) return options_.initializer_timeout;
  return {};
}

void Engine::enforce_limits() {
  enforce_budget();
  enforce_stall();
  expire_queued_jobs();
  for (const auto& link : crew_.links()) enforce(*link);
}

void Engine::enforce(WorkerLink& link) {
  if (link.state == LinkState::kFinishing && now_ >= link.stop_by) return crew_.stop(link, Kill::kGently);
  if (link.state == LinkState::kAsked) return stop_asked(link);
  if (link.state != LinkState::kServing) return;
  const Outstanding* request = link.running(now_);
  if (request == nullptr || request->started == 0) return;
  const auto over = exceeded(link, *request);
  if (!over) return;
  // What takes too much memory takes more of it in its grace.
  const Kill kill = over->limit == Limit::kMemory ? Kill::kAtOnce : Kill::kGently;
  stop_for(link, request->sequence, request->started, *over, kill);
}

std::optional<TimedOut> Engine::exceeded(WorkerLink& link, const Outstanding& request) const {
  const auto limit = allowed(request);
  if (limit.count() != 0 && now_ >= request.started + limit.count())
    return TimedOut{.limit = Limit::kWallTime, .allowed = limit};
  return request.usage ? request.usage->look(link.output_bytes(), now_) : std::nullopt;
}

/// Decides what the request that was `started` then comes to, and has the worker killed for it; before that, for a
/// limit, takes its stacks. False if it has ended meanwhile and the worker runs another job, or another item of the
/// batch: its answer is to come.
bool Engine::stop_for(WorkerLink& link, std::uint64_t sequence, MonotonicNs started, Outcome verdict, Kill kill) {
  dispatcher_.take_back_all(link);
  if (link.has_jobs_after(sequence)) return false;
  if (const Outstanding* request = link.running(now_); request != nullptr && request->started != started) return false;
  link.verdict = std::move(verdict);
  link.stop_sequence = sequence;
  auto* timed_out = std::get_if<TimedOut>(&*link.verdict);
  if (timed_out != nullptr && link.has_stacks()) {
    crew_.ask_for_stacks(link, kill, now_);
    return true;
  }
  if (timed_out != nullptr) timed_out->stack = link.stacks();
  crew_.stop(link, kill);
  return true;
}

void Engine::stop_asked(WorkerLink& link) {
  if (now_ < link.stop_by && !link.stacks_complete()) return;
  if (auto* timed_out = std::get_if<TimedOut>(&*link.verdict)) timed_out->stack = link.stacks();
  crew_.stop(link, link.stop_how);
}

void Engine::expire_queued_jobs() {
  const auto due = ledger_.next_expiry();
  if (!due || *due > now_) return;
  for (const JobPtr& job : ledger_.expire(now_)) {
    for (const auto& link : crew_.links()) {
      if (!link->take_back(*job)) continue;
      ledger_.take_back(job);
      ledger_.expire_queued(job, now_);
      break;
    }
  }
}

void Engine::enforce_budget() {
  if (budget_until_ == 0 || now_ < budget_until_ || is_over()) return;
  const TimedOut verdict{.limit = Limit::kBudget, .allowed = options_.budget};
  if (failure_.empty()) fail("the pool " + describe(verdict), verdict);
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kStarting && link->state != LinkState::kServing) continue;
    dispatcher_.take_back_all(*link);  // not begun: ends with what is queued
    const Outstanding* request = link->running(now_);
    if (link->state == LinkState::kServing && request != nullptr)
      stop_for(*link, request->sequence, request->started, verdict, Kill::kGently);
  }
  end_stranded_jobs();
}

/// When the job that runs there has run, and no other was finished, for as long as the pool bears; 0: never.
MonotonicNs Engine::stalled_at(WorkerLink& link) const {
  if (options_.stall.count() == 0 || link.state != LinkState::kServing) return 0;
  const Outstanding* request = link.running(now_);
  if (request == nullptr || request->kind != RequestKind::kRun || request->started == 0) return 0;
  return std::max(last_progress_, request->started) + options_.stall.count();
}

void Engine::enforce_stall() {
  if (options_.stall.count() == 0) return;
  if (ledger_.finished() != finished_then_) last_progress_ = now_;
  finished_then_ = ledger_.finished();
  for (const auto& link : crew_.links()) {
    const MonotonicNs due = stalled_at(*link);
    if (due == 0 || now_ < due) continue;
    const Outstanding* request = link->running(now_);
    stop_for(*link, request->sequence, request->started, TimedOut{.limit = Limit::kStall, .allowed = options_.stall},
             Kill::kGently);
  }
}

bool Engine::cancel(const JobPtr& job, MonotonicNs now) {
  const bool cancelled = cancel_one(job, now);
  const Items* items = job->items();
  for (JobPtr rest = items != nullptr ? items->rest : nullptr; rest; rest = rest->items()->rest) cancel_one(rest, now);
  return cancelled;
}

/// Of a batch that runs, the items that were not begun become a job of their own, which can be cancelled.
bool Engine::cancel_one(const JobPtr& job, MonotonicNs now) {
  now_ = now;
  close_intake();
  if (ledger_.cancel(job, now)) return true;
  if (job->done()) return false;
  for (const auto& link : crew_.links()) {
    if (link->take_back(*job)) {
      ledger_.take_back(job);
      return ledger_.cancel(job, now);
    }
    if (link->batch() == job) dispatcher_.take_back_all(*link);
  }
  return false;
}

bool Engine::withdraw(const JobPtr& job, MonotonicNs now) {
  const bool cancelled = cancel(job, now);
  if (!job->done()) jobs::Ledger::end_with_this_attempt(job);
  return cancelled;
}

bool Engine::kill(const JobPtr& job, MonotonicNs now) {
  if (job->done()) return false;
  if (cancel(job, now)) return true;
  for (const auto& link : crew_.links()) {
    const auto& requests = link->outstanding();
    const auto found =
        std::find_if(requests.begin(), requests.end(), [&](const auto& each) { return each.job == job; });
    if (found == requests.end()) continue;
    if (link->state == LinkState::kStopping || link->state == LinkState::kAsked) return true;
    const Outstanding* running = link->running(now_);
    return stop_for(*link, found->sequence, running->started, Cancelled{.while_running = true}, Kill::kGently);
  }
  return false;
}

void Engine::terminate(MonotonicNs now) {
  now_ = now;
  close();
  terminated_ = true;
  ledger_.finish_queued(Cancelled{}, now);
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kStopping || link->state == LinkState::kAsked) {
      crew_.stop(*link, Kill::kAtOnce);
      continue;
    }
    dispatcher_.take_back_all(*link);
    const Outstanding* request = link->running(now);
    link->verdict = Cancelled{.while_running = true};
    link->stop_sequence = request != nullptr ? request->sequence : 0;
    crew_.stop(*link, Kill::kAtOnce);
  }
  // What was taken back from the channels is queued again.
  ledger_.finish_queued(Cancelled{}, now);
  // Also those workers that a hung template does not start. What there is to report still comes.
  dismiss();
}

void Engine::dismiss() {
  if (dismissed_) return;
  dismissed_ = true;
  crew_.dismiss();
}

void Engine::break_down(const std::string& why, MonotonicNs now) {
  now_ = now;
  fail(why);
  terminate(now);
}

// --- the number of workers ---

void Engine::resize(int workers, MonotonicNs now) {
  now_ = now;
  staffing_.resize(workers);
  if (!crew_.shrinking()) return;
  for (const auto& link : crew_.links()) dispatcher_.take_back_all(*link);  // it is for those that stay
}

Staffing::Need Engine::need() const noexcept {
  if (!failure_.empty() || is_over()) return Staffing::Need::kNothing;
  return closed_ ? Staffing::Need::kWhatIsQueued : Staffing::Need::kWhateverComes;
}

void Engine::retire_workers() {
  staffing_.retire(is_over(), now_);
  if (!failure_.empty()) stop_initializers();
  if (is_over() && crew_.empty()) dismiss();
}

/// Nothing would come of them.
void Engine::stop_initializers() {
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kServing && !link->idle() &&
        link->outstanding().front().kind == RequestKind::kInitialize)
      crew_.stop(*link, Kill::kAtOnce);
  }
}

void Engine::fill_up() {
  staffing_.make_room_for_fresh_job(now_);
  if (staffing_.fill_up(need(), now_)) dispatcher_.dispatch(now_);
}

// --- time ---

std::optional<MonotonicNs> Engine::next_deadline(MonotonicNs now) {
  std::optional<MonotonicNs> first =
      ledger_.next_retry();  // before staffing looks at what is ready, and so what is due
  const auto consider = [&](MonotonicNs deadline) {
    if (deadline > 0 && (!first || deadline < *first)) first = deadline;
  };
  consider(staffing_.next_deadline(need(), now).value_or(0));
  consider(dispatcher_.next_look(now));
  consider(blocks_due_);
  consider(crew_.next_watch(now));
  consider(crew_.next_start_watch(now));
  consider(ledger_.next_expiry().value_or(0));
  if (failure_.empty()) consider(budget_until_);
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kFinishing || link->state == LinkState::kAsked) consider(link->stop_by);
    if (link->state != LinkState::kServing) continue;
    const Outstanding* request = link->running(now);
    if (request == nullptr) continue;
    consider(now + kLookAnyway);
    consider(stalled_at(*link));
    if (options_.stall.count() != 0 && request->started == 0) consider(now + options_.stall.count());
    if (request->usage) consider(request->started != 0 ? request->usage->next_look() : now + kLookForStart);
    if (allowed(*request).count() != 0)
      consider((request->started != 0 ? request->started : now) + allowed(*request).count());
  }
  return first;
}

}  // namespace prong::pool
