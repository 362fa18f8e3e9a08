#include "cli/session/recent_rate.h"

#include <algorithm>

namespace prong::cli {
namespace {

// What is looked back on: as long as this and as many jobs as this.
constexpr MonotonicNs kLongEnough = 30'000'000'000;
constexpr std::uint64_t kManyEnough = 20;
constexpr MonotonicNs kBetweenLooks = 500'000'000;

}  // namespace

void RecentRate::look(std::uint64_t done, MonotonicNs now) {
  // The last look moves on with the time until there is something between it and the one before it.
  const bool last_is_fresh =
      looks_.size() > 1 && (looks_.back().time - looks_[looks_.size() - 2].time < kBetweenLooks ||
                            looks_.back().done == looks_[looks_.size() - 2].done);
  if (last_is_fresh)
    looks_.back() = {now, done};
  else
    looks_.push_back({now, done});
  const auto enough_after = [&](const Look& look) {
    return now - look.time >= kLongEnough && done - look.done >= kManyEnough;
  };
  while (looks_.size() > 2 && enough_after(looks_[1])) looks_.pop_front();
}

std::optional<std::chrono::nanoseconds> RecentRate::time_for(std::uint64_t rest) const {
  const std::uint64_t done = looks_.back().done - looks_.front().done;
  const auto elapsed = static_cast<double>(looks_.back().time - looks_.front().time);
  if (done < kLeastDone || elapsed <= 0) return std::nullopt;
  constexpr double kLongest = 9e18;
  const double left = elapsed / static_cast<double>(done) * static_cast<double>(rest);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(left, kLongest)));
}

}  // namespace prong::cli
