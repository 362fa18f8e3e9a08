// UsageMeter: what each request takes of its worker's CPU time and memory, for next to nothing. Worker process.
//
// A reading costs a microsecond or more, which a short function must not pay. So only requests that took kShortest are
// told what they took, and one reading serves as the end of a request and the beginning of the next:
//
//        reading, younger than kShortest           reading
//           |<- passed: worker works or spins ->|     |
//   --------+--[short]--[short]-----------------[ long ]----> time
//
// The passed time is taken for CPU time of what was before (that is what it is while jobs flow): what is told may be
// off by at most as much. docs/decisions/0030-usage.md has the figures.
#pragma once

#include <cstdint>

#include "os/own_usage.h"
#include "prong/job.h"

namespace prong::pool {

/// Where the readings come from.
struct UsageSource {
  os::Usage (*usage)() noexcept = os::own_usage;
  bool (*forget_peak)() noexcept = os::forget_own_peak_memory;
};

class UsageMeter {
 public:
  static constexpr MonotonicNs kShortest = 250'000;    ///< of a request that is measured
  static constexpr MonotonicNs kPeakAge = 10'000'000;  ///< after that the peak is counted anew
  static constexpr std::int64_t kGrowth = 256 * 1024;  ///< or when a request has raised it by so many bytes

  explicit UsageMeter(UsageSource source = {}) noexcept : source_(source) {}

  /// A request is about to begin. True if that took time, which is not the request's.
  bool begin(MonotonicNs now) noexcept {
    if (now - read_at_ < kShortest && now - forgot_at_ < kPeakAge && !peak_grew_) return false;
    begin_anew(now);
    return true;
  }
  /// It has ended.
  os::Usage end(MonotonicNs started, MonotonicNs ended) noexcept {
    return ended - started < kShortest ? os::Usage{} : measure(started, ended);
  }

 private:
  void begin_anew(MonotonicNs now) noexcept;
  os::Usage measure(MonotonicNs started, MonotonicNs ended) noexcept;
  void read(MonotonicNs now) noexcept;

  UsageSource source_;
  os::Usage last_;               ///< reading
  MonotonicNs read_at_ = 0;      ///< when that was
  MonotonicNs forgot_at_ = 0;    ///< when the peak was counted anew
  std::int64_t first_peak_ = 0;  ///< what it was then
  bool peak_grew_ = true;
  bool peak_is_known_ = true;  ///< it can be counted anew
};

}  // namespace prong::pool
