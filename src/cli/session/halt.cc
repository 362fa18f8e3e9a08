#include "cli/session/halt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

struct Name {
  std::string_view text;
  HaltRule::What what;
  std::string_view happened;
};

constexpr std::array kNames = {Name{"fail", HaltRule::What::kFail, "failed"},
                               Name{"success", HaltRule::What::kSuccess, "succeeded"},
                               Name{"done", HaltRule::What::kDone, "done"}};

struct Amount {
  std::uint64_t count = 0;
  double percent = 0;
};

std::optional<Amount> parse_amount(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number == 0) return std::nullopt;
  if (rest == end) return Amount{.count = number};
  if (rest + 1 == end && *rest == '%' && number <= 100) return Amount{.percent = static_cast<double>(number)};
  return std::nullopt;
}

}  // namespace

std::uint64_t HaltRule::such_jobs(const Tally& tally) const {
  switch (what) {
    case What::kFail:
      return tally.failed;
    case What::kSuccess:
      return tally.done - tally.failed;
    case What::kDone:
      return tally.done;
  }
  return 0;
}

bool HaltRule::met(const Tally& tally) const {
  const std::uint64_t such = such_jobs(tally);
  if (count > 0) return such >= count;
  // Of all jobs, where it is known how many these are; else the first few failures would be a large share.
  const std::uint64_t of = tally.total.value_or(tally.done);
  return such >= kLeastForShare && static_cast<double>(such) * 100 >= percent * static_cast<double>(of);
}

std::string HaltRule::reason(const Tally& tally) const {
  const std::uint64_t such = such_jobs(tally);
  const std::string_view happened = std::ranges::find(kNames, what, &Name::what)->happened;
  if (what == What::kDone) return fmt::format("{} {} done", such, such == 1 ? "job is" : "jobs are");
  return fmt::format("{} {} {}", such, such == 1 ? "job" : "jobs", happened);
}

HaltRule parse_halt(std::string_view text) {
  HaltRule rule;
  std::string_view rest = text;
  const std::string_view when = rest.substr(0, rest.find(','));
  rule.kill = when == "now";
  if (rule.kill || when == "soon") {
    rest.remove_prefix(std::min(rest.size(), when.size() + 1));
    const std::string_view what = rest.substr(0, rest.find('='));
    rest.remove_prefix(std::min(rest.size(), what.size() + 1));
    const auto name = std::ranges::find(kNames, what, &Name::text);
    const std::optional<Amount> amount = parse_amount(rest);
    if (name != kNames.end() && amount) {
      rule.what = name->what;
      rule.count = amount->count;
      rule.percent = amount->percent;
      return rule;
    }
  }
  throw UsageError("'" + std::string(text) +
                   "' does not say when to halt: write now or soon, then fail, success or done with a number or share "
                   "(now,fail=1 or soon,fail=10%)");
}

}  // namespace prong::cli
