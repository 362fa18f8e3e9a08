// Branch: how a copy of a process with an interpreter in it becomes a pool's template, below a launcher and a guard
// that are started with it. In the program (StartKind::kFork), or in a nursery.
//
//   program or nursery ──fork──> [guard] ──vfork──> [launcher] ──fork──> [template]
//                                  exec               exec
//
// Two copies, not three: the launcher-to-be borrows the memory of the guard-to-be until it is exec'ed. It never borrows
// the program's: each of these may be killed at any moment, and a program whose memory is lent to a process that it
// does not wait for is lost.
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
  std::function<void()> in_guard{};                    ///< in what is to be the guard, first of all
  std::function<void(int control_fd)> run_template{};  ///< never returns; closes what the template shall not have
};

/// Starts the three. Returns the guard's pid, or -1 and errno. What happens later is said over the socket: kHello by
/// the launcher, kTemplateGone with `error` if the template could not be forked; or the socket's end.
pid_t start_branch(const Branch& branch);

}  // namespace prong::pool
