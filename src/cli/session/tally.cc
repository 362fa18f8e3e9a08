#include "cli/session/tally.h"

#include <algorithm>

#include <fmt/format.h>

namespace prong::cli {

std::string clock_text(std::chrono::nanoseconds time) {
  const double seconds = std::chrono::duration<double>(time).count();
  const auto whole = static_cast<std::uint64_t>(std::clamp(seconds + 0.5, 0.0, 1e9));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace prong::cli
