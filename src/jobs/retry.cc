// The retry policy: whether another attempt follows, and when.
#include <algorithm>
#include <cmath>

#include "jobs/ledger.h"

namespace prong::jobs {
namespace {

// Whether a failure of this kind may be followed by another attempt. What succeeded, or was ended on purpose, may not.
struct Allows {
  const RetryPolicy& policy;
  bool operator()(const Returned&) const { return false; }
  bool operator()(const Raised&) const { return policy.on_exception; }
  bool operator()(const Exited&) const { return policy.on_exit; }
  bool operator()(const Signalled&) const { return policy.on_signal; }
  bool operator()(const TimedOut&) const { return policy.on_timeout; }
  bool operator()(const Cancelled&) const { return false; }
  bool operator()(const Lost& lost) const { return policy.on_lost && lost.reason != LostReason::kPoolClosed; }
};

}  // namespace

bool may_retry(const RetryPolicy& policy, const Outcome& outcome, int retries_made, bool is_command) noexcept {
  if (retries_made >= policy.retries || succeeded(outcome, is_command)) return false;
  return std::visit(Allows{policy}, outcome);
}

std::chrono::nanoseconds backoff_before(const RetryPolicy& policy, int retry, double random) noexcept {
  // In floating point: doubling often must end at the maximum, not overflow.
  const double doubled = std::ldexp(static_cast<double>(policy.backoff.count()), std::max(retry, 1) - 1);
  const double capped = std::min(doubled, static_cast<double>(policy.max_backoff.count()));
  const double factor = 1 + policy.jitter * (2 * random - 1);
  constexpr double kLongest = 9.2e18;  // 292 years, what fits into 64 bits
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(capped * factor, kLongest)));
}

}  // namespace prong::jobs
