#include "pool/dispatcher.h"

#include <algorithm>

#include "prong/error.h"

namespace prong::pool {
namespace {

constexpr double kWorkAheadNs = 200'000;    ///< about this much work waits in a channel
constexpr std::size_t kMaxDepth = 48;       ///< leaves slots for definitions
constexpr MonotonicNs kLongNs = 1'000'000;  ///< a job that runs longer has nothing queued behind it
constexpr double kWorthSharing = 100'000;   ///< ns of work left in a batch from which on an idle worker gets half

}  // namespace

DefinitionId Dispatcher::define(Payload definition) {
  definitions_.push_back(std::move(definition));
  return static_cast<DefinitionId>(definitions_.size() - 1);
}

std::size_t Dispatcher::depth() const noexcept {
  if (mean_duration_ns_ <= 0) return 1;
  return std::clamp(static_cast<std::size_t>(kWorkAheadNs / mean_duration_ns_), std::size_t{1}, kMaxDepth);
}

void Dispatcher::note_duration(std::chrono::nanoseconds duration) noexcept {
  const auto ns = static_cast<double>(std::max<std::int64_t>(duration.count(), 1000));
  mean_duration_ns_ = mean_duration_ns_ <= 0 ? ns : 0.75 * mean_duration_ns_ + 0.25 * ns;
}

bool Dispatcher::usable(const WorkerLink& link, const Job& job) const noexcept {
  if (link.state != LinkState::kStarting && link.state != LinkState::kServing) return false;
  if (link.exclusive || link.stalled || link.damaged) return false;
  const auto limit = static_cast<std::uint64_t>(options_.max_jobs_per_worker);
  if (limit != 0 && link.jobs_given >= limit) return false;
  if (job.options().fresh && link.jobs_given != 0) return false;
  const bool measured = UsageWatch::wanted(job.options());
  if (measured && link.state != LinkState::kServing) return false;  // no pid yet to measure
  const bool alone = link.state == LinkState::kStarting || is_exclusive(job.options()) || measured;
  return link.outstanding().size() < (alone ? 1 : depth());
}

WorkerLink* Dispatcher::choose(const Job& job) noexcept {
  WorkerLink* best = nullptr;
  for (const auto& link : crew_.links()) {
    if (!usable(*link, job)) continue;
    if (best == nullptr || link->outstanding().size() < best->outstanding().size()) best = link.get();
  }
  return best;
}

bool Dispatcher::push(WorkerLink& link, const JobPtr& job, MonotonicNs now) {
  const JobSpec& spec = jobs::Ledger::spec(*job);
  for (const DefinitionId id : spec.needs)
    if (!link.knows(id) && !link.push_definition(id, definitions_.at(id), now)) return false;
  return link.push_job(job, spec.payload, jobs::Ledger::attempt_number(*job), now);
}

/// False if there is no room for the job now; then it is queued again.
bool Dispatcher::hand_out(WorkerLink& link, const JobPtr& job, MonotonicNs now) {
  try {
    if (push(link, job, now)) {
      link.exclusive = is_exclusive(job->options());
      return true;
    }
  } catch (const std::exception& refusal) {  // no memory or descriptor to send it with: this job's failure alone
    Attempt attempt;
    attempt.outcome = Lost{LostReason::kStartFailed, refusal.what()};
    ledger_.end_attempt(job, std::move(attempt), now);
    return true;
  }
  ledger_.take_back(job);
  refused_by_idle_ = link.idle();
  return false;
}

void Dispatcher::dispatch(MonotonicNs now) {
  to_wake_.clear();
  refused_by_idle_ = false;
  if (!ledger_.has_ready(now)) share_items(now);
  while (const Job* first = ledger_.peek(now)) {
    WorkerLink* link = choose(*first);
    if (link == nullptr) break;
    if (to_wake_.empty() || to_wake_.back() != link) to_wake_.push_back(link);
    if (!hand_out(*link, ledger_.next(now), now)) break;
  }
  for (WorkerLink* link : to_wake_) link->wake();
}

void Dispatcher::take_back_all(WorkerLink& link) {
  for (const JobPtr& job : link.take_back_unstarted()) ledger_.take_back(job);
  take_items_away(link, 0);
}

void Dispatcher::take_items_away(WorkerLink& link, std::uint32_t from) {
  const JobPtr batch = link.batch();
  if (!batch) return;
  if (const auto first = link.take_items_away(from)) ledger_.split(batch, *first);
}

/// An idle worker for which there is nothing gets half of what is left to the one with most of it.
void Dispatcher::share_items(MonotonicNs now) {
  const auto is_idle = [](const auto& link) { return link->idle() && link->state == LinkState::kServing; };
  if (std::none_of(crew_.links().begin(), crew_.links().end(), is_idle)) return;
  WorkerLink* richest = nullptr;
  double most = kWorthSharing;
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kServing || link->items_left() == 0) continue;
    const double left = link->work_left_ns(now);
    if (left > most) richest = link.get();
    most = std::max(most, left);
  }
  if (richest == nullptr) return;
  if (richest->outstanding().size() > 1) return take_back_all(*richest);
  const Items& items = *richest->batch()->items();
  take_items_away(*richest, end_of(items) - (richest->items_left() + 1) / 2);
}

/// Whether there is something behind what the worker runs. Items of a batch have nowhere else to go if there is no
/// other worker.
bool Dispatcher::holds_up_others(const WorkerLink& link) const noexcept {
  return link.outstanding().size() > 1 || (options_.workers > 1 && link.items_wait());
}

void Dispatcher::take_back_behind_long_jobs(MonotonicNs now) {
  for (const auto& link : crew_.links()) {
    if (link->stalled || !holds_up_others(*link)) continue;
    const Outstanding* running = link->running(now);
    if (running->started == 0 || now - std::max(running->started, running->item_seen) < kLongNs) continue;
    take_back_all(*link);
    link->stalled = true;
  }
}

MonotonicNs Dispatcher::next_look(MonotonicNs now) const noexcept {
  const bool someone_waits = std::any_of(crew_.links().begin(), crew_.links().end(),
                                         [this](const auto& link) { return !link->stalled && holds_up_others(*link); });
  return someone_waits || refused_by_idle_ ? now + kLongNs : 0;
}

}  // namespace prong::pool
