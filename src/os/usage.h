// What a process and everything below it have used. Read from outside, with no help of theirs. Any process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>

namespace prong::os {

/// CPU time of the process, of its living descendants, and of those that were waited for; 0 if there is no such
/// process. Of the process itself in nanoseconds, of the others in clock ticks (10 ms).
std::chrono::nanoseconds cpu_time_of_tree(pid_t pid);

/// Bytes of memory that the process keeps resident.
std::uint64_t resident_bytes_of(pid_t pid);
/// Bytes of memory that the process and its living descendants keep resident. Pages that several share count for each.
std::uint64_t resident_bytes_of_tree(pid_t pid);
/// The same, but shared pages count in parts (as "Pss" does); takes about a millisecond for each 250 MB.
std::uint64_t proportional_bytes_of_tree(pid_t pid);

/// How often the kernel has killed something on this machine for lack of memory; 0 if it does not say.
std::uint64_t oom_kills();

/// What a process does with a signal that is sent to it.
enum class SignalFate { kHandled, kBlocked, kNotHandled, kUnknown };
SignalFate fate_of_signal(pid_t pid, int signal);

}  // namespace prong::os
