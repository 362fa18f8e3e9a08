// Quantities as they are written on a command line. Both throw UsageError with a text that shows what would be right.
#pragma once

#include <chrono>
#include <string_view>

namespace prong::cli {

/// "10", "1.5" (seconds), "500ms", "2m", "1h", "1d". More than 0.
std::chrono::nanoseconds parse_duration(std::string_view text);

/// "4", or "50%" of `cpus` (at least 1).
int parse_workers(std::string_view text, int cpus);

/// "3": 0 or more.
int parse_retries(std::string_view text);

}  // namespace prong::cli
