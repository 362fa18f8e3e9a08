#include "pool/branch.h"

#include <cerrno>
#include <vector>

#include "launcher/environment.h"
#include "launcher/protocol.h"
#include "os/cpus.h"
#include "os/fd.h"
#include "os/this_process.h"
#include "os/vfork.h"

namespace prong::pool {
namespace {

/// An exec of the launcher's program, prepared by a process that borrows memory: the memory is that of start_branch().
struct Exec {
  std::vector<std::string> words;
  std::vector<char*> argv;
};

/// One process for each member function but start().
class Branching {
 public:
  explicit Branching(const Branch& branch) : branch_(branch), variables_(os::current_environment()) {
    launcher::set_variable(variables_, os::kShareVariable, std::to_string(branch.sharers_of_cpus));
    for (std::string& variable : variables_) environment_.push_back(variable.data());
    environment_.push_back(nullptr);
  }

  pid_t start() {
    return os::vfork_into([this] { become_guard(); });
  }

 private:
  void become_guard() {
    if (branch_.in_guard) branch_.in_guard();
    os::become_subreaper();
    const pid_t launcher = os::vfork_into([this] { become_launcher(); });
    if (launcher > 0) exec(guard_, {.guarded_pid = launcher});
  }

  void become_launcher() {
    os::become_subreaper();
    const pid_t template_pid = os::fork_borrowed();
    if (template_pid == 0) become_template();
    exec(launcher_, {.socket = branch_.socket,
                     .program_pidfd = branch_.program_pidfd,
                     .program_pid = branch_.program_pid,
                     .template_socket = branch_.launcher_end,
                     .template_pid = template_pid,
                     .has_guard = true});
  }

  void become_template() {
    blocked_.restore();
    if (branch_.fork.in_child) branch_.fork.in_child();
    os::set_environment(os::kShareVariable, std::to_string(branch_.sharers_of_cpus));
    os::Fd(branch_.socket).reset();
    os::Fd(branch_.launcher_end).reset();
    branch_.run_template(branch_.template_end);
    os::exit_now(0);
  }

  void exec(Exec& exec, const launcher::LauncherArguments& arguments) {
    for (const int fd : {arguments.socket, arguments.template_socket, arguments.program_pidfd})
      if (fd >= 0) os::close_on_exec(fd, false);
    exec.words = launcher::to_argv(branch_.launcher_path, arguments);
    for (std::string& word : exec.words) exec.argv.push_back(word.data());
    exec.argv.push_back(nullptr);
    os::become_program(exec.argv.data(), environment_.data());
  }

  const Branch& branch_;
  std::vector<std::string> variables_;
  std::vector<char*> environment_;
  Exec guard_;
  Exec launcher_;
  os::SignalsBlocked blocked_;
};

}  // namespace

pid_t start_branch(const Branch& branch) {
  if (branch.fork.before) branch.fork.before();
  const pid_t guard = Branching(branch).start();
  const int error = errno;
  if (branch.fork.in_parent) branch.fork.in_parent();
  errno = error;
  return guard;
}

}  // namespace prong::pool
