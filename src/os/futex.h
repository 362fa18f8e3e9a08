// futex on words in shared memory (never FUTEX_PRIVATE). Any process; async-signal-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace prong::os {

/// Sleeps while `word` == `expected`, until woken, interrupted or the deadline (absolute monotonic ns; -1: none).
void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t deadline_ns) noexcept;
void futex_wake(std::atomic<std::uint32_t>& word, int count) noexcept;

/// The CPU this thread runs on now, or -1 if that cannot be told.
int current_cpu() noexcept;

}  // namespace prong::os
