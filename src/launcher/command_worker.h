// The resident worker of pools of kind kCommand: takes command lines from its channel, runs them one after another and
// says how they ended. Runs in a fork of the launcher; see docs/architecture.md.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace prong::launcher {

struct CommandWorkerArguments {
  std::uint64_t worker = 0;
  pid_t launcher = 0;
  int segment = -1;
  int doorbell = -1;
  int control = -1;
  int niceness = 0;  ///< to be added
  /// What the commands get; here they begin at kFirstCommandFd.
  std::vector<int> command_fds{};
};

/// Makes this process a command worker and serves until told to end. Never returns, never throws: what goes wrong ends
/// the process.
[[noreturn]] void run_command_worker(const CommandWorkerArguments& arguments) noexcept;

}  // namespace prong::launcher
