// Who descends from whom, signals to them, and reaping. The launcher, and command workers for their own children.
#pragma once

#include <sys/types.h>
#include <functional>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/own_usage.h"

namespace prong::os {

/// Whether /proc shows this process's PID namespace. If not, everything below that reads /proc finds nothing.
bool proc_is_ours() noexcept;

/// Direct children of the process (all its threads), from /proc; empty where /proc is not ours.
std::vector<pid_t> children_of(pid_t pid);
/// The same without /proc/<pid>/task/<tid>/children, which not every kernel has.
std::vector<pid_t> children_by_scan(pid_t pid);
/// All descendants, deepest last.
std::vector<pid_t> descendants_of(pid_t pid);

/// When the process started, in clock ticks since boot; 0 if there is no such process, or it has ended and is a zombie.
std::uint64_t start_time_of(pid_t pid);

/// As the process calls itself; empty if that cannot be had.
std::string name_of(pid_t pid);
/// For people: "123 (sleep)", or "123" where the name cannot be had.
std::string describe_process(pid_t pid);

/// False if there is no such process or group, or it may not be signalled. Only for pids that cannot be reused
/// meanwhile: unreaped children, and what was just seen below one.
bool signal_process(pid_t pid, int signal) noexcept;
/// Signals the group led by `leader`, and `leader` also while it is not in that group.
bool signal_group(pid_t leader, int signal) noexcept;
/// SIGKILL to the process, which is a child of ours, and to everything below it that can be seen now. A child is killed
/// only if it still has its parent, or us, after the parent was killed: then nobody but us could have reaped it since
/// it was listed, and its number is its own. What is missed becomes a child of ours when its parent has ended.
/// `spared`: a child that is to live, with all below it; asked just before it would be killed.
void kill_deep(pid_t pid, const std::function<bool(pid_t)>& spared = nullptr);

struct Reaped {
  static constexpr pid_t kNoneEnded = 0;
  static constexpr pid_t kNoChildren = -1;
  pid_t pid = kNoneEnded;
  int status = 0;  ///< as of waitpid
  Usage usage{};   ///< of it and those that it has waited for
};

/// What a status of waitpid says: whether a signal ended the process, and its exit code or the signal's number.
bool ended_by_signal(int status) noexcept;
int code_of(int status) noexcept;

/// A child that has ended and stays unreaped, or kNoneEnded or kNoChildren.
pid_t peek_ended_child() noexcept;
/// Reaps `pid` and returns its status, if it is a child that has ended.
std::optional<int> try_reap(pid_t pid) noexcept;
/// Waits until the child `pid` has ended and reaps it. Its status, or -1 if it is no child.
int reap(pid_t pid) noexcept;
/// Reaps some child. `block`: waits for one; EINTR is retried.
Reaped reap_any(bool block) noexcept;

}  // namespace prong::os
