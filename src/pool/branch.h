// Branch: how a process with an interpreter in it becomes the processes of a pool: guard, launcher and template. Runs
// in a forked copy: of the program (StartKind::kFork), or of a nursery.
//
//   program or nursery ──fork──> [guard] ──fork──> [launcher] ──fork──> [template]
//                                  exec              exec
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace prong::pool {

struct Branch {
  std::string launcher_path;
  std::int64_t sharers_of_cpus = 1;  ///< what workers are told
  int program_pid = 0;
  int program_pidfd = -1;
  int socket = -1;        ///< the launcher's end
  int launcher_end = -1;  ///< of the socket between launcher and template
  int template_end = -1;
  std::function<int()> fork{};                         ///< as the runtime wants it
  std::function<void(int control_fd)> run_template{};  ///< never returns; closes what the template shall not have
};

/// In the copy. Never returns, least of all into the frames above.
[[noreturn]] void become_pool(const Branch& branch) noexcept;

}  // namespace prong::pool
