#include "pool/branch.h"

#include <vector>

#include "launcher/protocol.h"
#include "os/cpus.h"
#include "os/fd.h"
#include "os/this_process.h"

namespace prong::pool {
namespace {

/// Between fork and exec, in the process that becomes the launcher or its guard.
[[noreturn]] void become_launcher(const std::string& path, const launcher::LauncherArguments& arguments) {
  for (const int fd : {arguments.socket, arguments.template_socket, arguments.program_pidfd})
    if (fd >= 0) os::close_on_exec(fd, false);
  std::vector<std::string> words = launcher::to_argv(path, arguments);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  os::become_program(argv.data());
}

}  // namespace

void become_pool(const Branch& branch) noexcept {
  try {
    os::set_environment(os::kShareVariable, std::to_string(branch.sharers_of_cpus));
    os::become_subreaper();
    const pid_t guarded = os::try_fork();
    if (guarded > 0) become_launcher(branch.launcher_path, {.guarded_pid = guarded});
    os::become_subreaper();
    const pid_t template_pid = branch.fork();
    if (template_pid == 0) {
      os::Fd(branch.socket).reset();
      os::Fd(branch.launcher_end).reset();
      branch.run_template(branch.template_end);
      os::exit_now(0);
    }
    become_launcher(branch.launcher_path, {.socket = branch.socket,
                                           .program_pidfd = branch.program_pidfd,
                                           .program_pid = branch.program_pid,
                                           .template_socket = branch.launcher_end,
                                           .template_pid = template_pid,
                                           .has_guard = true});
  } catch (...) {
    os::exit_now(127);
  }
}

}  // namespace prong::pool
