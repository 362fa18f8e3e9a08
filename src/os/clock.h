// Monotonic time. Deadlines are absolute nanoseconds on CLOCK_MONOTONIC, the same in all processes. Any process.
#pragma once

#include <cstdint>
#include <ctime>

namespace prong::os {

/// Nanoseconds on CLOCK_MONOTONIC.
inline std::int64_t monotonic_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace prong::os
