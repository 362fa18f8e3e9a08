// Durations as people write them. Any process.
#pragma once

#include <chrono>
#include <string>

namespace prong::base {

/// "2 s", "1.5 s", "500 ms", "20 us", "7 ns": at most three digits after the point.
std::string describe(std::chrono::nanoseconds duration);

}  // namespace prong::base
