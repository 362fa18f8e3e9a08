#include "pool/dispatcher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "prong/error.h"

namespace prong::pool {
namespace {

constexpr double kWorkAheadNs = 200'000;  ///< about this much work waits in a channel
constexpr MonotonicNs kWorthWaitingNs =
    5'000'000;                              ///< mean of jobs that have the next one wait behind them in any case
constexpr std::size_t kMaxDepth = 192;      ///< leaves slots for definitions
constexpr MonotonicNs kLongNs = 1'000'000;  ///< of a job that has nothing queued behind it, if somebody is free
constexpr double kShortNs = 20'000;         ///< mean of jobs that are not worth waking more workers than CPUs
constexpr double kWorthSharing = 100'000;   ///< ns of work left in a batch from which on an idle worker gets half
constexpr double kEndless = 1e18;
constexpr double kLeastDurationNs = 1'000;
constexpr double kWakeNs = 10'000;  ///< until a worker that sleeps has begun a job
/// The same for jobs of microseconds: their worker takes the CPU from who submits them, perhaps, and is done soon.
constexpr double kWakeForShortNs = 100'000;
constexpr double kStartNs = 1'000'000;  ///< until one that starts has
constexpr double kMostGrowth = 4;       ///< a short job that was off its CPU for a while says little of the next ones
constexpr MonotonicNs kLongPreparationNs = 100'000'000;  ///< what comes before the first item says nothing of the items

}  // namespace

std::size_t Dispatcher::depth() const noexcept {
  if (mean_duration_ns_ <= 0) return 1;
  const std::size_t least = mean_duration_ns_ < static_cast<double>(kWorthWaitingNs) ? 2 : 1;
  return std::clamp(static_cast<std::size_t>(kWorkAheadNs / mean_duration_ns_), least, kMaxDepth);
}

void Dispatcher::note_duration(std::chrono::nanoseconds duration) noexcept {
  const double ns = std::max(static_cast<double>(duration.count()), kLeastDurationNs);
  const double bounded = std::min(ns, kMostGrowth * mean_duration_ns_);
  mean_duration_ns_ = mean_duration_ns_ <= 0 ? ns : 0.75 * mean_duration_ns_ + 0.25 * bounded;
}

bool Dispatcher::usable(const WorkerLink& link, const Job& job) const noexcept {
  if (link.state != LinkState::kStarting && link.state != LinkState::kServing) return false;
  if (link.exclusive || link.stalled || link.damaged || link.has_no_room) return false;
  const auto limit = static_cast<std::uint64_t>(options_.max_jobs_per_worker);
  if (limit != 0 && link.jobs_given >= limit) return false;
  if (job.options().fresh && link.jobs_given != 0) return false;
  const bool measured = UsageWatch::wanted(job.options());
  if (measured && link.state != LinkState::kServing) return false;  // no pid yet to measure
  const bool prepares = !link.idle() && link.outstanding().front().kind == ipc::RequestKind::kInitialize;
  const bool alone = link.state == LinkState::kStarting || prepares || is_exclusive(job.options()) || measured;
  return link.outstanding().size() < (alone ? 1 : depth());
}

bool Dispatcher::short_jobs() const noexcept {
  return mean_duration_ns_ > 0 && mean_duration_ns_ < kShortNs;
}

/// Of workers that come along with their work. Waking another one takes longer than a short job.
int Dispatcher::most_in_use(const Job& job) const noexcept {
  const bool one_of_them = job.items() == nullptr && !is_exclusive(job.options());
  return short_jobs() && one_of_them ? cpus_ : std::numeric_limits<int>::max();
}

bool Dispatcher::comes_along(const WorkerLink& link, MonotonicNs now) {
  if (link.state != LinkState::kServing || link.exclusive || link.stalled || link.damaged) return false;
  return link.comes_along(now);
}

WorkerLink* Dispatcher::choose(const Job& job, MonotonicNs now) noexcept {
  WorkerLink* best = nullptr;
  double soonest = kEndless;
  int left = most_in_use(job);
  for (const auto& link : crew_.links()) {
    if (left == 0) break;
    const bool takes_it = usable(*link, job);
    if (comes_along(*link, now) && (takes_it || link->outstanding().size() >= depth())) --left;
    const double begins_after = takes_it ? begins_after_ns(*link) : kEndless;
    if (begins_after < soonest) best = link.get();
    soonest = std::min(soonest, begins_after);
  }
  return best;
}

/// About how long it takes until a job that is given to this worker now begins.
double Dispatcher::begins_after_ns(const WorkerLink& link) const noexcept {
  const double queued = static_cast<double>(link.outstanding().size()) * std::max(mean_duration_ns_, kLeastDurationNs);
  if (link.state == LinkState::kStarting) return queued + kStartNs;
  if (!link.asleep()) return queued;
  return queued + (short_jobs() ? kWakeForShortNs : kWakeNs);
}

bool Dispatcher::push(WorkerLink& link, const JobPtr& job, MonotonicNs now) {
  if (const Needs& needs = jobs::Ledger::needs(*job)) {
    for (const DefinitionPtr& definition : *needs)
      if (!link.knows(definition->id()) && !link.push_definition(*definition, now)) return false;
  }
  return link.push_job(job, jobs::Ledger::payload(*job), jobs::Ledger::attempt_number(*job), now);
}

/// False if there is no room for the job now; then it is queued again.
bool Dispatcher::hand_out(WorkerLink& link, const JobPtr& job, MonotonicNs now) {
  try {
    if (push(link, job, now)) {
      if (!crew_.armed() && link.armed()) link.disarm();
      link.exclusive = is_exclusive(job->options());
      link.refused_since = 0;
      return true;
    }
  } catch (const std::exception& refusal) {  // no memory or descriptor to send it with: this job's failure alone
    Attempt attempt;
    attempt.outcome = Lost{LostReason::kStartFailed, refusal.what()};
    ledger_.end_attempt(job, std::move(attempt), now);
    return true;
  }
  ledger_.take_back(job);
  if (link.damaged) crew_.stop(link, Kill::kAtOnce);
  refused_by_idle_ |= link.idle();
  if (link.idle() && link.refused_since == 0) link.refused_since = now;
  return false;
}

void Dispatcher::dispatch(MonotonicNs now) {
  to_wake_.clear();
  refused_by_idle_ = false;
  all_full_ = false;
  if (crew_.shrinking()) return;
  bool refused = false;
  if (!ledger_.has_ready(now)) share_items(now);
  while (const Job* first = ledger_.peek(now)) {
    WorkerLink* link = choose(*first, now);
    if (link == nullptr) {
      all_full_ = !refused && jobs::is_plain(*first);
      break;
    }
    if (!std::exchange(link->to_be_woken, true)) to_wake_.push_back(link);
    link->has_no_room = !hand_out(*link, ledger_.next(now), now);
    refused |= link->has_no_room;
  }
  for (WorkerLink* link : to_wake_) {
    link->to_be_woken = link->has_no_room = false;
    link->wake();
  }
}

void Dispatcher::take_back_all(WorkerLink& link) {
  for (const JobPtr& job : link.take_back_unstarted()) ledger_.take_back(job);
  take_items_away(link, 0);
}

void Dispatcher::take_items_away(WorkerLink& link, std::uint32_t from) {
  const JobPtr batch = link.batch();
  if (!batch) return;
  from = std::max(from, batch->items()->first + 1);  // at least one stays, so that every batch comes to an end
  if (const auto first = link.take_items_away(from)) ledger_.split(batch, *first);
}

bool Dispatcher::someone_idles() const noexcept {
  return std::any_of(crew_.links().begin(), crew_.links().end(),
                     [](const auto& link) { return link->idle() && link->state == LinkState::kServing; });
}

/// An idle worker for which there is nothing gets half of what is left to the one with most of it, and all that is
/// behind an item that takes long.
void Dispatcher::share_items(MonotonicNs now) {
  if (!someone_idles()) return;
  WorkerLink* richest = nullptr;
  double most = kWorthSharing;
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kServing || !link->items_wait()) continue;
    const MonotonicNs patience = link->prepares_batch() ? kLongPreparationNs : kLongNs;
    const double left = link->at_item_for(now) >= patience ? kEndless : link->work_left_ns(now);
    if (left > most) richest = link.get();
    most = std::max(most, left);
  }
  if (richest == nullptr) return;
  if (most == kEndless || richest->outstanding().size() > 1) return take_back_all(*richest);
  if (const JobPtr batch = richest->batch())
    take_items_away(*richest, end_of(*batch->items()) - (richest->items_left() + 1) / 2);
}

/// How long a job may run until what waits behind it is taken back: not long if somebody else could run it, and not
/// much longer in any case, for the order of the queue shall hold.
MonotonicNs Dispatcher::patience() const noexcept {
  const bool someone_is_free = someone_idles() || crew_.live() < crew_.places();
  return someone_is_free ? kLongNs : kWorthWaitingNs;
}

/// When what waits behind the job that runs is to be taken back.
MonotonicNs Dispatcher::loses_patience_at(WorkerLink& link, MonotonicNs now) const noexcept {
  const Outstanding* running = link.running(now);
  const bool began = running != nullptr && running->started != 0;
  return (began ? std::max(running->started, running->item_seen) : now) + patience();
}

void Dispatcher::take_back_behind_long_jobs(MonotonicNs now) {
  for (const auto& link : crew_.links()) {
    if (link->idle() || link->stalled || loses_patience_at(*link, now) > now) continue;
    for (const JobPtr& job : link->take_back_unstarted()) ledger_.take_back(job);
    link->stalled = true;
  }
}

MonotonicNs Dispatcher::next_look(MonotonicNs now) const noexcept {
  MonotonicNs first = refused_by_idle_ ? now + kLongNs : 0;
  const auto consider = [&first](MonotonicNs due) { first = first == 0 ? due : std::min(first, due); };
  const bool idle = someone_idles();
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kServing || link->idle()) continue;
    if (idle && link->items_wait()) consider(now + kLongNs);
    if (link->outstanding().size() > 1 && !link->stalled) consider(loses_patience_at(*link, now));
  }
  return first;
}

}  // namespace prong::pool
