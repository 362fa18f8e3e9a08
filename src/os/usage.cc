#include "os/usage.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "os/proc.h"
#include "os/process_tree.h"

namespace prong::os {
namespace {

// Of /proc/<pid>/stat, counted from 0 at the state.
constexpr int kUserTicks = 11;
constexpr int kSystemTicks = 12;
constexpr int kWaitedUserTicks = 13;
constexpr int kWaitedSystemTicks = 14;

std::chrono::nanoseconds from_ticks(std::uint64_t ticks) {
  static const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::nanoseconds(ticks * (1'000'000'000 / per_second));
}

std::chrono::nanoseconds own_cpu_time(pid_t pid) {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::chrono::nanoseconds waited_cpu_time(std::string_view stat) {
  return from_ticks(to_number<std::uint64_t>(stat_field(stat, kWaitedUserTicks)) +
                    to_number<std::uint64_t>(stat_field(stat, kWaitedSystemTicks)));
}

std::chrono::nanoseconds ticked_cpu_time(std::string_view stat) {
  return waited_cpu_time(stat) + from_ticks(to_number<std::uint64_t>(stat_field(stat, kUserTicks)) +
                                            to_number<std::uint64_t>(stat_field(stat, kSystemTicks)));
}

/// The number after `name` at the beginning of a line.
std::string_view line_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_first_of(" \n"));
}

std::uint64_t proportional_bytes(pid_t pid) {
  const auto rollup = read_file(folder_of(pid) + "/smaps_rollup");
  if (!rollup) return resident_bytes_of(pid);
  return 1024 * to_number<std::uint64_t>(line_after(*rollup, "\nPss:"));
}

template <typename Measure>
auto sum_of_tree(pid_t pid, const Measure& measure) {
  auto sum = measure(pid);
  for (const pid_t below : descendants_of(pid)) sum += measure(below);
  return sum;
}

std::uint64_t hexadecimal(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

}  // namespace

std::chrono::nanoseconds cpu_time_of_tree(pid_t pid) {
  auto sum = own_cpu_time(pid);
  if (const auto stat = read_file(folder_of(pid) + "/stat")) sum += waited_cpu_time(*stat);
  for (const pid_t below : descendants_of(pid)) {
    if (const auto stat = read_file(folder_of(below) + "/stat")) sum += ticked_cpu_time(*stat);
  }
  return sum;
}

std::uint64_t resident_bytes_of(pid_t pid) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto statm = read_file(folder_of(pid) + "/statm");
  if (!statm) return 0;
  const auto size_end = statm->find(' ');
  if (size_end == std::string::npos) return 0;
  return page * to_number<std::uint64_t>(std::string_view(*statm).substr(size_end + 1));
}

std::uint64_t resident_bytes_of_tree(pid_t pid) {
  return sum_of_tree(pid, resident_bytes_of);
}

std::uint64_t proportional_bytes_of_tree(pid_t pid) {
  return sum_of_tree(pid, proportional_bytes);
}

std::uint64_t oom_kills() {
  const auto counts = read_file("/proc/vmstat");
  return counts ? to_number<std::uint64_t>(line_after(*counts, "\noom_kill ")) : 0;
}

SignalFate fate_of_signal(pid_t pid, int signal) {
  const auto status = read_file(folder_of(pid) + "/status");
  if (!status) return SignalFate::kUnknown;
  const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
  if ((hexadecimal(line_after(*status, "\nSigBlk:")) & bit) != 0) return SignalFate::kBlocked;
  return (hexadecimal(line_after(*status, "\nSigCgt:")) & bit) != 0 ? SignalFate::kHandled : SignalFate::kNotHandled;
}

}  // namespace prong::os
