// Starting processes. The contract of each call says which process may use it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "os/fd.h"
#include "os/process_tree.h"
#include "os/this_process.h"

namespace prong::os {

/// An exec prepared beforehand, so that nothing is allocated between fork and exec.
struct ExecRequest {
  std::vector<std::string> arguments;    ///< arguments[0]: path, or name to look up in the PATH of `environment`
  std::vector<std::string> environment;  ///< whole environment
  std::string directory;                 ///< empty: unchanged
  std::string executable;                ///< not empty: the path to exec; arguments[0] is then only its name
  /// child descriptor number -> descriptor here. All others from 3 up are closed by the exec.
  std::vector<std::pair<int, int>> fds;
  bool new_group = false;        ///< setpgid(0, 0)
  bool new_session = false;      ///< setsid()
  int niceness = 0;              ///< to be added
  bool die_with_parent = false;  ///< SIGKILL when the thread that called spawn() ends; not for spawn_detached()
};

/// What an exec failed at.
struct ExecFailure {
  const char* stage = nullptr;  ///< "fork", "chdir", "dup2", "exec"; null: none
  int error = 0;
};

/// Starts a child (vfork semantics: the caller's memory is not copied, cost does not grow with the heap). Signal
/// dispositions of the child are all default, its mask empty. Returns its pid, or -1 and `failure`. Any process.
pid_t spawn(const ExecRequest& request, ExecFailure& failure);

/// Starts a process that is *not* a child: a short-lived middle process with no exit signal spawns it and ends. The
/// caller gets no SIGCHLD and waitpid(-1) neither steals nor loses anything. Returns the pid, or -1 and `failure`.
/// Any process; if the caller is PID 1 or a subreaper, it adopts the new process.
pid_t spawn_detached(const ExecRequest& request, ExecFailure& failure);

/// Where a name without '/' is found in the PATH of `environment` and may be executed; empty if nowhere.
std::string find_program(const std::string& name, const std::vector<std::string>& environment);

/// While true, spawn() and spawn_detached() behave as if clone() were refused.
void refuse_clone_for_test(bool refuse) noexcept;

/// SIGKILL to the process of the descriptor, or, where that is empty, to `pid`.
void kill_by_pidfd(const Fd& pidfd, pid_t pid) noexcept;

/// A descriptor that is readable when the process has ended, or an empty Fd where the kernel refuses.
Fd open_pidfd(pid_t pid) noexcept;

}  // namespace prong::os
