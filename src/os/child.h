// Starting, seeing and killing processes. The contract of each call says which process may use it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "os/fd.h"

namespace prong::os {

/// An exec prepared beforehand, so that nothing is allocated between fork and exec.
struct ExecRequest {
  std::vector<std::string> arguments;    ///< arguments[0]: path, or name to look up in PATH
  std::vector<std::string> environment;  ///< whole environment
  std::string directory;                 ///< empty: unchanged
  /// child descriptor number -> descriptor here. All others are close-on-exec or closed.
  std::vector<std::pair<int, int>> fds;
  bool new_group = false;    ///< setpgid(0, 0)
  bool new_session = false;  ///< setsid()
};

/// What an exec failed at.
struct ExecFailure {
  const char* stage = nullptr;  ///< "fork", "chdir", "dup2", "exec"; null: none
  int error = 0;
};

/// Starts a child (vfork semantics: the caller's memory is not copied, cost does not grow with the heap). Signal
/// dispositions of the child are all default, its mask empty. Returns its pid, or -1 and `failure`.
pid_t spawn(const ExecRequest& request, ExecFailure& failure);

/// Starts a process that is *not* a child: a short-lived middle process with no exit signal spawns it and ends. The
/// caller gets no SIGCHLD and waitpid(-1) neither steals nor loses anything. Returns the pid, or -1 and `failure`.
pid_t spawn_detached(const ExecRequest& request, ExecFailure& failure);

/// A descriptor that is readable when the process has ended, or an empty Fd where the kernel refuses.
Fd open_pidfd(pid_t pid) noexcept;

/// Direct children of the process (all its threads), from /proc; empty where /proc is not ours.
std::vector<pid_t> children_of(pid_t pid);
/// All descendants, deepest last.
std::vector<pid_t> descendants_of(pid_t pid);

/// This process becomes the parent of orphaned descendants. Throws SystemError.
void become_subreaper();
/// Dies by SIGKILL with `parent`; ends at once (_exit) if the parent is not `parent`.
void die_with_parent(pid_t parent) noexcept;
/// Blocks until getppid() == `parent` (adoption after the middle process ended). Bounded: false after 10 s.
bool wait_for_adoption(pid_t parent) noexcept;

/// Closes every descriptor from 3 up that is not in `keep`.
void close_all_but(std::span<const int> keep) noexcept;

/// The environment of this process as "NAME=value".
std::vector<std::string> current_environment();

}  // namespace prong::os
