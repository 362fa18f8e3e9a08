// Stacks of a process, written by itself when a signal comes. Worker process.
#pragma once

#include <string_view>

namespace prong::os {

/// The last line of what is written.
inline constexpr std::string_view kEndOfStacks = "-- end of stacks --\n";

/// The signal that asks for stacks: a real-time one that nobody else is likely to use.
int stack_signal() noexcept;

/// From now on stack_signal() makes this process append the native frames of the thread that takes it, and
/// kEndOfStacks, to `file`, and ring `doorbell`. Only what is safe in a signal handler. Both stay open.
void report_stacks(int file, int doorbell) noexcept;

}  // namespace prong::os
