// Durations and sizes as people write them. Any process.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace prong::base {

/// "2 s", "1.5 s", "500 ms", "20 us", "7 ns": at most three digits after the point.
std::string describe(std::chrono::nanoseconds duration);
/// "100 bytes", "1.5 KiB", "256 MiB": at most one digit after the point.
std::string describe_bytes(std::uint64_t bytes);

}  // namespace prong::base
