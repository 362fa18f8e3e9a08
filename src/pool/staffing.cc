#include "pool/staffing.h"

#include <algorithm>
#include <string>

#include "os/usage.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

constexpr int kStartsAtOnce = 4;                // what is finished meanwhile does not wait for dozens
constexpr MonotonicNs kHeadStart = 10'000'000;  ///< of the first workers, at most

}  // namespace

void Staffing::resize(int workers) {
  const int least = std::max(options_.min_workers, 0);
  if (workers < least)
    throw UsageError("a pool cannot be resized to " + std::to_string(workers) + " workers; it must be at least " +
                     std::to_string(least));
  crew_.set_places(workers);
}

// --- those that go ---

/// Whether an idle worker has served long enough.
bool Staffing::is_spent(WorkerLink& link, MonotonicNs now) const {
  const auto jobs = static_cast<std::uint64_t>(options_.max_jobs_per_worker);
  if (jobs != 0 && link.jobs_given >= jobs) return true;
  const auto age = options_.max_worker_age.count();
  if (age != 0 && now - link.served_since >= age) return true;
  if (options_.max_worker_memory == 0) return false;
  const std::uint64_t resident = os::resident_bytes_of(link.pid);
  if (link.first_resident_bytes == 0) link.first_resident_bytes = resident;
  return resident > link.first_resident_bytes + options_.max_worker_memory;
}

void Staffing::note_idle(WorkerLink& link, MonotonicNs now) {
  if (!link.idle()) {
    link.idle_since = 0;
  } else if (link.idle_since == 0) {
    link.idle_since = now;
  }
}

void Staffing::dismiss_idle(WorkerLink& link, MonotonicNs now) {
  note_idle(link, now);
  if (link.idle_since == 0 || now - link.idle_since < options_.idle_timeout.count()) return;
  if (crew_.live() > options_.min_workers) crew_.finish(link, now);
}

void Staffing::retire(bool over, MonotonicNs now) {
  if (crew_.shrinking()) crew_.shrink(now);
  for (const auto& link : crew_.links()) {
    if (link->state == LinkState::kServing && link->idle() && (over || is_spent(*link, now))) crew_.finish(*link, now);
    if (link->state == LinkState::kServing && sends_idle_away()) dismiss_idle(*link, now);
    if (link->state == LinkState::kStarting && over && link->idle()) crew_.stop(*link, Kill::kAtOnce);
  }
}

void Staffing::make_room_for_fresh_job(MonotonicNs now) {
  const Job* first = ledger_.peek(now);
  if (first == nullptr || !first->options().fresh || crew_.live() < crew_.places()) return;
  for (const auto& link : crew_.links()) {
    if (link->state != LinkState::kServing || !link->idle() || link->jobs_given == 0) continue;
    return crew_.finish(*link, now);
  }
}

// --- those that come ---

int Staffing::wanted(Need need, MonotonicNs now) {
  if (need == Need::kNothing) return 0;
  // Where idle workers are sent away, only those that must stay are kept without need.
  const bool all_were_started = crew_.started() >= static_cast<std::uint64_t>(crew_.places());
  const bool on_demand = !options_.start_early || (sends_idle_away() && all_were_started);
  return on_demand || need == Need::kWhatIsQueued ? wanted_on_demand(need, now) : wanted_early(now);
}

/// All, but as many as there are CPUs first: the start of dozens takes the CPUs away from those that could have the
/// first results already. Commands have no such start.
int Staffing::wanted_early(MonotonicNs now) const {
  if (options_.start == StartKind::kCommand || now >= head_start_until_) return crew_.places();
  return std::min(crew_.places(), std::max(crew_.live(), cpus_));
}

int Staffing::wanted_on_demand(Need need, MonotonicNs now) {
  const Job* first = ledger_.peek(now);
  const int least = need == Need::kWhatIsQueued ? 0 : options_.min_workers;
  if (first == nullptr) return std::min(crew_.places(), std::max(least, crew_.live()));
  // Those that start, or initialize, will take what is queued: nobody else is needed for that.
  const auto free = std::count_if(crew_.links().begin(), crew_.links().end(), [&](const auto& link) {
    const bool alive = link->state == LinkState::kStarting || link->state == LinkState::kServing;
    return alive && (link->jobs_given == 0 || (link->idle() && !first->options().fresh));
  });
  const auto queued = static_cast<int>(std::min<std::uint64_t>(ledger_.queued(), 1'000'000));
  return std::min(crew_.places(), std::max(least, crew_.live() - static_cast<int>(free) + queued));
}

bool Staffing::fill_up(Need need, MonotonicNs now) {
  if (head_start_until_ == kNotBegun) head_start_until_ = now + kHeadStart;
  if (crew_.live() >= crew_.places()) return false;
  bool started = false;
  for (int missing = std::min(wanted(need, now) - crew_.live(), kStartsAtOnce); missing > 0; --missing) {
    if (crew_.start(now) == nullptr) break;
    started = true;
  }
  return started;
}

// --- time ---

std::optional<MonotonicNs> Staffing::next_deadline(Need need, MonotonicNs now) {
  std::optional<MonotonicNs> first;
  const auto consider = [&](MonotonicNs deadline) { first = first ? std::min(*first, deadline) : deadline; };
  if (crew_.live() < crew_.places() && now < head_start_until_ && head_start_until_ != kNotBegun)
    consider(head_start_until_);
  if (sends_idle_away() && crew_.live() > options_.min_workers) {
    for (const auto& link : crew_.links())
      if (link->state == LinkState::kServing && link->running(now) == nullptr)
        consider(std::max<MonotonicNs>(link->idle_since + options_.idle_timeout.count(), 1));
  }
  if (crew_.can_start() && wanted(need, now) > crew_.live()) consider(std::max(crew_.retry_at(), now + 1));
  return first;
}

}  // namespace prong::pool
