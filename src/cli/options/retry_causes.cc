#include "cli/options/retry_causes.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "prong/error.h"

namespace prong::cli {
namespace {

std::optional<int> number_in(std::string_view text, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number >= 0 && number <= most ? std::optional(number) : std::nullopt;
}

// A number, or a name: KILL, SIGKILL.
std::optional<int> signal_of(std::string_view text) {
  constexpr int kMostSignal = 64;
  const std::string_view name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int signal = 1; signal <= kMostSignal; ++signal)
    if (const char* known = ::sigabbrev_np(signal); known != nullptr && name == known) return signal;
  return number_in(text, kMostSignal);
}

bool add(std::vector<int>& numbers, std::optional<int> number) {
  if (number) numbers.push_back(*number);
  return number.has_value();
}

// False: there is no such cause.
bool add_cause(std::string_view cause, RetryPolicy& policy) {
  constexpr int kMostExitCode = 255;
  const auto equals = cause.find('=');
  const std::string_view name = cause.substr(0, equals);
  const bool is_any = equals == std::string_view::npos;
  const std::string_view which = is_any ? std::string_view() : cause.substr(equals + 1);
  if (name == "exit") {
    policy.on_exit = true;
    return is_any || add(policy.exit_codes, number_in(which, kMostExitCode));
  }
  if (name == "signal") {
    policy.on_signal = true;
    return is_any || add(policy.signals, signal_of(which));
  }
  if (name == "exception") {
    policy.on_exception = true;
    if (!is_any) policy.exceptions.emplace_back(which);
    return is_any || !which.empty();
  }
  if (name == "timeout") return is_any && (policy.on_timeout = true);
  if (name == "lost") return is_any && (policy.on_lost = true);
  return false;
}

}  // namespace

void set_retry_causes(std::string_view list, RetryPolicy& policy) {
  policy.on_exception = policy.on_exit = policy.on_signal = policy.on_timeout = policy.on_lost = false;
  while (true) {
    const auto comma = list.find(',');
    const std::string_view cause = list.substr(0, comma);
    if (!add_cause(cause, policy))
      throw UsageError("'" + std::string(cause) +
                       "' is no cause of a retry: write exit, exit=75, signal, signal=KILL, exception, "
                       "exception=ValueError, timeout or lost, with commas between them");
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace prong::cli
