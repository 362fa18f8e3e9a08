#include "pool/engine.h"

#include <sys/wait.h>

#include <algorithm>

#include "os/clock.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

using ipc::RequestKind;

/// What a worker's end means for the job that it was running.
Outcome outcome_of(const Death& death, const WorkerLink& link) {
  if (death.launcher_lost) return Lost{LostReason::kLauncherLost, "the launcher died, and the worker with it"};
  if (link.damaged) return Lost{LostReason::kChannelDamaged, "the worker wrote nonsense into its channel"};
  if (WIFSIGNALED(death.wait_status)) return Signalled{WTERMSIG(death.wait_status), WCOREDUMP(death.wait_status) != 0};
  return Exited{WEXITSTATUS(death.wait_status)};
}

void mark_unconfirmed(Outcome& outcome, std::uint32_t processes) {
  if (auto* timed_out = std::get_if<TimedOut>(&outcome)) {
    timed_out->unconfirmed = true;
    timed_out->leftovers = std::to_string(processes) + " processes could not be seen to end";
  }
}

}  // namespace

Engine::Engine(PoolOptions options, os::Poller& poller)
    : options_(std::move(options)),
      ledger_(static_cast<std::uint64_t>(os::monotonic_now()), options_.start == StartKind::kCommand),
      crew_(options_, poller, *this),
      dispatcher_(options_, ledger_, crew_) {}

JobPtr Engine::submit(JobSpec spec, MonotonicNs now) {
  if (!failure_.empty()) throw PoolError("the pool takes no more jobs: " + failure_);
  if (closed_) throw ClosedError("the pool is closed and takes no more jobs");
  return ledger_.submit(std::move(spec), now);
}

void Engine::dispatch(MonotonicNs now) {
  now_ = now;
  dispatcher_.dispatch(now);
  if (ledger_.has_ready(now) && crew_.live() < options_.workers) keep_crew_full();
}

void Engine::work(MonotonicNs now) {
  now_ = now;
  crew_.listen(now);
  enforce_limits();
  dispatcher_.take_back_behind_long_jobs(now);
  end_stranded_jobs();
  retire_idle_workers();
  dispatcher_.dispatch(now);
  make_room_for_fresh_job();
  keep_crew_full();
}

// --- what workers say ---

void Engine::on_ending(WorkerLink& link, Ending& ending) {
  switch (ending.request.kind) {
    case RequestKind::kRun:
      return on_job_ended(link, ending);
    case RequestKind::kInitialize:
      return on_initialized(ending.attempt.outcome);
    case RequestKind::kFinish:
      if (!options_.finalizer.empty()) finalizer_outcomes_.push_back(std::move(ending.attempt.outcome));
      return;
    case RequestKind::kDefine:
    case RequestKind::kBatch:
      return;
  }
}

void Engine::on_job_ended(WorkerLink& link, Ending& ending) {
  const bool was_stopped = link.verdict && link.stop_sequence == ending.request.sequence;
  if (was_stopped) ending.attempt.outcome = *link.verdict;  // decided once; a later answer does not count
  dispatcher_.note_duration(std::chrono::nanoseconds(ending.attempt.ended - ending.attempt.started));
  if (was_stopped || is_exclusive(ending.request.job->options())) {
    link.held = HeldEnding{std::move(ending.request.job), std::move(ending.attempt)};
    crew_.stop(link, {});
    return;
  }
  end(ending.request.job, std::move(ending.attempt));
}

void Engine::on_initialized(const Outcome& outcome) {
  if (succeeded(outcome, false)) return;
  const auto* raised = std::get_if<Raised>(&outcome);
  fail("the initializer " + describe(outcome) + (raised != nullptr ? "\n" + raised->traceback : ""));
}

void Engine::on_gone(WorkerLink& link, const Death& death, std::vector<WorkerLink::Remains> remains) {
  if (link.held) {
    if (death.unconfirmed != 0) mark_unconfirmed(link.held->attempt.outcome, death.unconfirmed);
    end(link.held->job, std::move(link.held->attempt));
  }
  for (auto remain = remains.rbegin(); remain != remains.rend(); ++remain) judge(link, death, *remain);
}

// Never began: free of charge. Began: the verdict that was decided for it, else how the worker ended.
void Engine::judge(WorkerLink& link, const Death& death, WorkerLink::Remains& remains) {
  Outstanding& request = remains.request;
  if (request.kind == RequestKind::kInitialize && remains.began) return on_initialized(outcome_of(death, link));
  if (request.kind == RequestKind::kFinish && !options_.finalizer.empty())
    finalizer_outcomes_.push_back(outcome_of(death, link));
  if (request.kind != RequestKind::kRun) return;
  if (!remains.began) {
    ledger_.take_back(request.job);
    return;
  }
  Attempt attempt{.worker_pid = link.pid, .started = std::max(request.started, request.pushed), .ended = now_};
  link.collect_partial_output(attempt);
  const bool was_stopped = link.verdict && link.stop_sequence == request.sequence;
  attempt.outcome = was_stopped ? *link.verdict : outcome_of(death, link);
  if (terminated_) attempt.outcome = Cancelled{.while_running = true};
  if (death.unconfirmed != 0) mark_unconfirmed(attempt.outcome, death.unconfirmed);
  end(request.job, std::move(attempt));
}

void Engine::end(const JobPtr& job, Attempt attempt) {
  if (terminated_)
    ledger_.end_finally(job, std::move(attempt), now_);
  else
    ledger_.end_attempt(job, std::move(attempt), now_);
}

void Engine::fail(const std::string& why) {
  if (failure_.empty()) failure_ = why;
  closed_ = true;
  ledger_.finish_queued(Lost{LostReason::kStartFailed, failure_}, now_);
}

// Jobs that came back from workers after the pool failed or was terminated.
void Engine::end_stranded_jobs() {
  if (ledger_.queued() == 0) return;
  if (terminated_) ledger_.finish_queued(Cancelled{}, now_);
  if (!failure_.empty()) ledger_.finish_queued(Lost{LostReason::kStartFailed, failure_}, now_);
}

// --- limits and cancelling ---

std::chrono::nanoseconds Engine::allowed(const Outstanding& request) const noexcept {
  if (request.kind == RequestKind::kRun) return request.job->options().timeout;
  if (request.kind == RequestKind::kInitialize) return options_.initializer_timeout;
  return {};
}

void Engine::enforce_limits() {
  for (const auto& link : crew_.links()) enforce(*link);
}

void Engine::enforce(WorkerLink& link) {
  if (link.state == LinkState::kFinishing && now_ >= link.stop_by) return crew_.stop(link, options_.grace);
  if (link.state != LinkState::kServing) return;
  const Outstanding* request = link.running(now_);
  if (request == nullptr || request->started == 0) return;
  const auto limit = allowed(*request);
  if (limit.count() == 0 || now_ < request->started + limit.count()) return;
  stop_for(link, request->sequence, TimedOut{.limit = Limit::kWallTime, .allowed = limit, .stack = "", .leftovers = ""},
           options_.grace);
}

void Engine::stop_for(WorkerLink& link, std::uint64_t sequence, Outcome verdict, std::chrono::nanoseconds grace) {
  dispatcher_.take_back_all(link);
  link.verdict = std::move(verdict);
  link.stop_sequence = sequence;
  crew_.stop(link, grace);
}

bool Engine::cancel(const JobPtr& job, MonotonicNs now) {
  now_ = now;
  if (ledger_.cancel(job, now)) return true;
  if (job->done()) return false;
  for (const auto& link : crew_.links()) {
    if (!link->take_back(*job)) continue;
    ledger_.take_back(job);
    return ledger_.cancel(job, now);
  }
  return false;
}

bool Engine::kill(const JobPtr& job, MonotonicNs now) {
  if (job->done()) return false;
  if (cancel(job, now)) return true;
  for (const auto& link : crew_.links()) {
    const auto& requests = link->outstanding();
    const auto found =
        std::find_if(requests.begin(), requests.end(), [&](const auto& each) { return each.job == job; });
    if (found == requests.end()) continue;
    if (link->state != LinkState::kStopping)
      stop_for(*link, found->sequence, Cancelled{.while_running = true}, options_.grace);
    return true;
  }
  return false;
}

void Engine::terminate(MonotonicNs now) {
  now_ = now;
  closed_ = terminated_ = true;
  ledger_.finish_queued(Cancelled{}, now);
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kStopping) {
      crew_.stop(*link, {});
      continue;
    }
    const Outstanding* request = link->running(now);
    stop_for(*link, request != nullptr ? request->sequence : 0, Cancelled{.while_running = true}, {});
  }
  // What was taken back from the channels is queued again.
  ledger_.finish_queued(Cancelled{}, now);
}

// --- the number of workers ---

void Engine::retire_idle_workers() {
  const bool over = closed_ && ledger_.all_done();
  const auto limit = static_cast<std::uint64_t>(options_.max_jobs_per_worker);
  for (const auto& link : crew_.links()) {
    const bool spent = limit != 0 && link->jobs_given >= limit && link->idle();
    if (link->state == LinkState::kServing && (spent || (over && link->idle()))) crew_.finish(*link, now_);
    if (link->state == LinkState::kStarting && over && link->idle()) crew_.stop(*link, {});
    if (!failure_.empty() && link->state == LinkState::kServing && !link->idle() &&
        link->outstanding().front().kind == RequestKind::kInitialize)
      crew_.stop(*link, {});
  }
  if (over && crew_.empty() && !dismissed_) {
    dismissed_ = true;
    crew_.dismiss();
  }
}

// A fresh job needs a worker that has run nothing: if all places are taken by idle used ones, one of them goes.
void Engine::make_room_for_fresh_job() {
  const Job* first = ledger_.peek(now_);
  if (first == nullptr || !first->options().fresh || crew_.live() < options_.workers) return;
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kServing || !link->idle() || link->jobs_given == 0) continue;
    return crew_.finish(*link, now_);
  }
}

int Engine::workers_wanted() {
  if (!failure_.empty() || (closed_ && ledger_.all_done())) return 0;
  if (options_.start_early && !closed_) return options_.workers;
  const auto more = static_cast<int>(std::min<std::uint64_t>(ledger_.queued(), 1'000'000));
  return std::min(options_.workers, crew_.live() + (ledger_.has_ready(now_) ? more : 0));
}

void Engine::keep_crew_full() {
  bool started = false;
  for (int missing = workers_wanted() - crew_.live(); missing > 0; --missing) {
    if (crew_.start(now_) == nullptr) break;
    started = true;
  }
  if (started) dispatcher_.dispatch(now_);
}

// --- time ---

std::optional<MonotonicNs> Engine::next_deadline(MonotonicNs now) {
  std::optional<MonotonicNs> first = ledger_.next_retry();
  const auto consider = [&](MonotonicNs deadline) {
    if (deadline > 0 && (!first || deadline < *first)) first = deadline;
  };
  consider(dispatcher_.next_look(now));
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kFinishing) consider(link->stop_by);
    if (link->state != LinkState::kServing) continue;
    const Outstanding* request = link->running(now);
    if (request == nullptr || allowed(*request).count() == 0) continue;
    consider((request->started != 0 ? request->started : now) + allowed(*request).count());
  }
  if (workers_wanted() > crew_.live()) consider(std::max(crew_.retry_at(), now + 1));
  return first;
}

bool Engine::arm() {
  for (const auto& link : crew_.links())
    if (!link->damaged) link->arm();
  return !crew_.anything_waiting();
}

void Engine::disarm() {
  for (const auto& link : crew_.links())
    if (!link->damaged) link->disarm();
}

}  // namespace prong::pool
