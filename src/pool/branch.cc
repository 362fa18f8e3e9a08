#include "pool/branch.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

#include "launcher/environment.h"
#include "launcher/protocol.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/fd.h"
#include "os/socket.h"
#include "os/this_process.h"
#include "os/vfork.h"
#include "pool/hooked_fork.h"

namespace prong::pool {
namespace {

constexpr std::int64_t kGuardPatience = 10'000'000;

/// An exec of the launcher's program, complete but for one number: so nothing is allocated after a process was started.
class Exec {
 public:
  /// `index`: of the word that is the number.
  Exec(const std::string& path, const launcher::LauncherArguments& arguments, std::size_t index)
      : words_(launcher::to_argv(path, arguments)) {
    for (std::string& word : words_) argv_.push_back(word.data());
    argv_.push_back(nullptr);
    argv_[index] = number_.data();
  }

  [[noreturn]] void run(pid_t number, char* const* environment) noexcept {
    *std::to_chars(number_.data(), number_.data() + number_.size() - 1, number).ptr = '\0';
    os::become_program(argv_.data(), environment);
  }

 private:
  std::array<char, 16> number_{};
  std::vector<std::string> words_;
  std::vector<char*> argv_;
};

/// One process for each member function but start().
class Branching {
 public:
  explicit Branching(const Branch& branch)
      : branch_(branch),
        variables_(os::current_environment()),
        guard_(branch.launcher_path, {}, launcher::kGuardedPidWord),
        launcher_(branch.launcher_path,
                  {.socket = branch.socket,
                   .program_pidfd = branch.program_pidfd,
                   .program_pid = branch.program_pid,
                   .template_socket = branch.launcher_end,
                   .has_guard = true},
                  launcher::kTemplatePidWord) {
    launcher::set_variable(variables_, os::kShareVariable, std::to_string(branch.sharers_of_cpus));
    for (std::string& variable : variables_) environment_.push_back(variable.data());
    environment_.push_back(nullptr);
  }

  pid_t start() {
    const pid_t guard = os::try_fork();
    if (guard == 0) become_guard();
    return guard;
  }

 private:
  [[noreturn]] void become_guard() noexcept {
    try {
      if (branch_.in_guard) branch_.in_guard();
      os::become_subreaper();
      const pid_t launcher = os::vfork_into([this] { become_launcher(); });
      if (launcher < 0) refuse(errno);
      if (launcher > 0) become_real_guard(launcher);
    } catch (...) {
      os::exit_now(127);
    }
    os::exit_now(127);
  }

  /// Not at once: until the launcher has ended there is nothing to do, and those that start have more use for the CPUs.
  [[noreturn]] void become_real_guard(pid_t launcher) {
    os::set_process_name("prong-guard");  // as which the keeper of a nursery knows it
    os::close_all_but({});                // else what the program closes now would stay open that long
    os::wait_readable(os::open_pidfd(launcher).get(), os::monotonic_now() + kGuardPatience);
    guard_.run(launcher, environment_.data());
  }

  void become_launcher() {
    os::become_subreaper();
    const pid_t template_pid = os::fork_borrowed();
    if (template_pid == 0) become_template();
    if (template_pid < 0) return refuse(errno);
    for (const int fd : {branch_.socket, branch_.launcher_end, branch_.program_pidfd})
      if (fd >= 0) os::close_on_exec(fd, false);
    launcher_.run(template_pid, environment_.data());
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

  void refuse(int error) const {
    launcher::send(branch_.socket, {.kind = launcher::MessageKind::kTemplateGone, .error = error});
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
  const HookedFork hooked(branch.fork);
  return Branching(branch).start();
}

}  // namespace prong::pool
