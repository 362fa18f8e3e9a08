// The retry policy: whether another attempt follows, and when.
#include <algorithm>
#include <cmath>

#include "jobs/ledger.h"

namespace prong::jobs {
namespace {

template <typename Value>
bool holds(const std::vector<Value>& wanted, const Value& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool names_type_of(const std::vector<std::string>& wanted, const Raised& raised) {
  return holds(wanted, raised.type) ||
         std::ranges::any_of(raised.bases, [&](const std::string& base) { return holds(wanted, base); });
}

// Whether a failure of this kind may be followed by another attempt. What succeeded, or was ended on purpose, may not.
struct Allows {
  const RetryPolicy& policy;
  bool operator()(const Returned&) const { return false; }
  bool operator()(const Raised& raised) const {
    return policy.on_exception && names_type_of(policy.exceptions, raised);
  }
  bool operator()(const Exited& exited) const { return policy.on_exit && holds(policy.exit_codes, exited.code); }
  bool operator()(const Signalled& signalled) const {
    return policy.on_signal && holds(policy.signals, signalled.number);
  }
  bool operator()(const TimedOut&) const { return policy.on_timeout; }
  bool operator()(const Cancelled&) const { return false; }
  bool operator()(const Lost& lost) const { return policy.on_lost && lost.reason != LostReason::kPoolClosed; }
};

}  // namespace

bool ended_its_worker(const Outcome& outcome) noexcept {
  if (const auto* lost = std::get_if<Lost>(&outcome))
    return lost->reason != LostReason::kStartFailed && lost->reason != LostReason::kLauncherLost;
  return std::holds_alternative<Exited>(outcome) || std::holds_alternative<Signalled>(outcome);
}

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
