// Throttle: whether the machine has room for one more job: --load and --memfree.
//
// The load is the number of processes that run or wait for a CPU or a disk now (what the load averages of the kernel
// are averages of), with those jobs that were started since it was last counted. An average over a minute tells of jobs
// long after they have ended, and of new ones too late. Who is refused may ask again at next_look().
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "prong/job.h"

namespace prong::cli {

struct ThrottleRules {
  double load = 0;                ///< jobs start only while the load is below; 0: any
  std::uint64_t free_memory = 0;  ///< bytes that must be available when one starts; 0: any

  bool any() const { return load > 0 || free_memory > 0; }
};

class Throttle {
 public:
  struct Meters {
    std::function<double()> load;
    std::function<std::uint64_t()> free_memory;
  };

  /// Of this machine.
  explicit Throttle(const ThrottleRules& rules);
  Throttle(const ThrottleRules& rules, Meters meters) : rules_(rules), meters_(std::move(meters)) {}

  bool wanted() const { return rules_.any(); }
  bool may_start(MonotonicNs now);
  /// A job was started.
  void started(MonotonicNs now);
  /// So little memory is available that a job should give its own back.
  bool is_short_of_memory(MonotonicNs now);
  /// When the answers may be others.
  MonotonicNs next_look() const { return measured_ + kPause; }
  /// Why no job is started: "the load is 7, not below 4". Of the last may_start() that said no.
  std::string reason() const;

  static constexpr MonotonicNs kPause = 100'000'000;

 private:
  void measure(MonotonicNs now, MonotonicNs not_before);
  bool load_allows() const;
  bool memory_allows() const;

  ThrottleRules rules_;
  Meters meters_;
  MonotonicNs measured_ = -kPause;
  MonotonicNs started_at_ = -kPause;
  double load_ = 0;
  double started_ = 0;  ///< since then
  std::uint64_t free_memory_ = 0;
};

/// Processes of the machine that run or wait for a CPU or a disk, but for the one that asks.
double present_load();

}  // namespace prong::cli
