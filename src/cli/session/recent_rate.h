// RecentRate: how many jobs a second are done lately, from which the rest of the time can be told.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>

#include "prong/job.h"

namespace prong::cli {

class RecentRate {
 public:
  explicit RecentRate(MonotonicNs started) : looks_{{started, 0}} {}

  /// That so many are done by now.
  void look(std::uint64_t done, MonotonicNs now);
  /// How long `rest` more will take; unset as long as too little is known: before kLeastDone are done.
  std::optional<std::chrono::nanoseconds> time_for(std::uint64_t rest) const;

  static constexpr std::uint64_t kLeastDone = 3;

 private:
  struct Look {
    MonotonicNs time;
    std::uint64_t done;
  };
  // The first one is so far back that there is enough between it and the last one.
  std::deque<Look> looks_;
};

}  // namespace prong::cli
