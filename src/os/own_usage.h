// What this process has used, and what a child had used that was reaped. Any process.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>

namespace prong::os {

struct Usage {
  std::chrono::nanoseconds cpu_time{
      -1};                        ///< user and system, with that of descendants that were waited for; -1: unknown
  std::int64_t peak_memory = -1;  ///< bytes, the most that was resident at a time; -1: unknown
};

/// Of a child that was reaped: the peak is that of the largest process among it and what it has waited for. It is not
/// less than what its parent kept resident when it was started: the kernel counts the memory that exec replaces.
Usage usage_of(const rusage& reaped) noexcept;

/// Of all threads; the peak is that of this process alone. Takes two system calls (1 us).
Usage own_usage() noexcept;
/// The peak alone (0.8 us).
std::int64_t own_peak_memory() noexcept;
/// From here on, the peak is counted from what is resident now (4 us). False if the kernel does not have that. Other
/// readers of the peak in this process see the same.
bool forget_own_peak_memory() noexcept;

}  // namespace prong::os
