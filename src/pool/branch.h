// Branch: how a copy of a process with an interpreter in it becomes a pool's template, below a launcher and a guard
// that are started with it. In the program (StartKind::kFork), or in a nursery.
//
//   program or nursery ──vfork──> [guard] ──vfork──> [launcher] ──fork──> [template]
//                                   exec               exec
//
// Only the template is a copy: guard and launcher borrow the process's memory until they are exec'ed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

#include "prong/options.h"

namespace prong::pool {

struct Branch {
  std::string launcher_path;
  std::int64_t sharers_of_cpus = 1;  ///< what workers are told
  int program_pid = 0;
  int program_pidfd = -1;
  int socket = -1;        ///< the launcher's end
  int launcher_end = -1;  ///< of the socket between launcher and template
  int template_end = -1;
  ForkHooks fork{};
  std::function<void()> in_guard{};                    ///< in what is to be the guard, first of all; borrows memory
  std::function<void(int control_fd)> run_template{};  ///< never returns; closes what the template shall not have
};

/// Starts the three; the calling thread sleeps until guard and launcher are exec'ed. Returns the guard's pid, or -1 and
/// errno. Whether the launcher came is seen by whether it says hello.
pid_t start_branch(const Branch& branch);

}  // namespace prong::pool
