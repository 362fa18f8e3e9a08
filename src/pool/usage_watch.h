// UsageWatch: what one attempt may use, what it has used, and when to look again. Begins when the attempt is given to
// an idle worker. Coordinator process; guarded by the pool's lock.
#pragma once

#include <sys/types.h>

#include <optional>

#include "prong/job.h"

namespace prong::pool {

/// Of a worker and everything below it.
struct MemoryUse {
  std::uint64_t resident = 0;
  std::uint64_t proportional = 0;  ///< takes long to measure
};

class UsageWatch {
 public:
  /// Whether a job with these options has limits other than of time.
  static bool wanted(const JobOptions& options) noexcept {
    return options.cpu_time.count() > 0 || options.memory > 0 || options.output > 0;
  }

  /// `earlier`: what the worker had at some time before; looked at for limits of memory only.
  UsageWatch(const JobOptions& options, pid_t worker, const MemoryUse& earlier, MonotonicNs now);

  MonotonicNs next_look() const noexcept { return next_look_; }
  /// Looks, if it is time to: the limit that is exceeded. `output_bytes`: what the attempt has written so far.
  std::optional<TimedOut> look(std::uint64_t output_bytes, MonotonicNs now);

 private:
  std::optional<TimedOut> look_at_memory();
  std::optional<TimedOut> look_at_cpu_time();

  const JobOptions& options_;
  pid_t worker_;
  std::chrono::nanoseconds cpu_time_before_{0};
  std::uint64_t resident_before_ = 0;
  std::uint64_t proportional_before_ = 0;
  std::uint64_t peak_ = 0;
  MonotonicNs next_look_ = 0;
  MonotonicNs until_cpu_limit_ = 0;  ///< at the earliest
};

/// Whether a value of `bytes` is more output than the job may have; then the outcome that says so.
std::optional<TimedOut> exceeds_output(const JobOptions& options, std::uint64_t bytes);

}  // namespace prong::pool
