// CommandRunner: runs one command to its end, in a worker that has no other children than what its commands start.
// Command worker process.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "os/child.h"
#include "os/fd.h"
#include "os/process_tree.h"
#include "prong/command.h"

namespace prong::launcher {

class CommandRunner {
 public:
  /// `worker`: its number, for the environment of what it starts. `command_fds`: numbers of the descriptors that
  /// commands get, which begin at kFirstCommandFd here.
  explicit CommandRunner(std::uint64_t worker, std::vector<int> command_fds = {});

  using OutputFiles = std::array<os::Fd, 2>;  ///< standard output, standard error

  struct Ended {
    int status = 0;               ///< as of waitpid, if it began
    os::Usage usage{};            ///< if it began
    int error = 0;                ///< errno, if it did not
    std::string what_failed;      ///< e.g. "run 'nosuch' (not found in PATH)"
    bool left_something = false;  ///< processes that this command started are still there
  };
  struct Task {
    Command command;
    std::optional<ByteSpan> input;  ///< instead of that of the command
    std::uint64_t job = 0;
    std::uint32_t attempt = 1;
  };
  /// `outputs`: needed if anything is to be kept.
  Ended run(Task task, const OutputFiles* outputs);

 private:
  std::vector<std::string> own_environment(const Command& command) const;
  void direct_streams(const Command& command, const OutputFiles* outputs, const OutputFiles& files,
                      const os::Fd& input);
  pid_t start(bool from_cache, os::ExecFailure& failure);
  std::string explain(const os::ExecFailure& failure) const;
  os::Reaped wait_for(pid_t pid);
  bool find_new_leftovers();

  std::vector<int> command_fds_;
  os::Fd null_;
  std::vector<std::string> environment_;  ///< of commands that do not bring their own
  std::size_t worker_place_ = 0;
  std::size_t job_place_ = 0;
  std::size_t attempt_place_ = 0;
  os::ExecRequest request_;                                ///< of the command that runs
  std::unordered_map<std::string, std::string> programs_;  ///< name -> where PATH has it
  std::set<pid_t> leftovers_;                              ///< adopted from commands that ended
};

/// True if bytes are to be kept in output files.
bool needs_outputs(const Command& command) noexcept;

}  // namespace prong::launcher
