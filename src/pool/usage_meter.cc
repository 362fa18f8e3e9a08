#include "pool/usage_meter.h"

#include <algorithm>

namespace prong::pool {

void UsageMeter::read(MonotonicNs now) noexcept {
  last_ = source_.usage();
  read_at_ = now;
  peak_grew_ = peak_is_known_ && last_.peak_memory - first_peak_ >= kGrowth;
}

/// The peak of an earlier request must not be told of this one.
void UsageMeter::begin_anew(MonotonicNs now) noexcept {
  read(now);
  if (!peak_grew_ && now - forgot_at_ < kPeakAge) return;
  forgot_at_ = now;
  peak_is_known_ = source_.forget_peak();
  first_peak_ = 0;
  read(now);
  first_peak_ = last_.peak_memory;
  peak_grew_ = false;
}

os::Usage UsageMeter::measure(MonotonicNs started, MonotonicNs ended) noexcept {
  const std::chrono::nanoseconds before = last_.cpu_time + std::chrono::nanoseconds(started - read_at_);
  read(ended);
  return {.cpu_time = std::max(last_.cpu_time - before, std::chrono::nanoseconds(0)),
          .peak_memory = peak_is_known_ ? last_.peak_memory : -1};
}

}  // namespace prong::pool
