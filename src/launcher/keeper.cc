#include "launcher/keeper.h"

#include <algorithm>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "launcher/environment.h"
#include "os/child.h"
#include "os/poller.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/this_process.h"

namespace prong::launcher {
namespace {

constexpr int kSocketInNursery = 3;
constexpr int kPidfdInNursery = 4;
constexpr std::uint64_t kProgramEnded = 0;
constexpr std::uint64_t kChildEnded = 1;

/// Its pid, or -1.
pid_t start(const Program& program, const LauncherArguments& arguments) {
  os::ExecRequest request;
  request.arguments = program.arguments;
  request.environment = os::current_environment();
  apply_changes(request.environment, program.environment);
  set_variable(request.environment, kRoleVariable, "nursery");
  set_variable(request.environment, kDescriptorsVariable,
               std::to_string(kSocketInNursery) + "," + std::to_string(kPidfdInNursery));
  request.fds = {{kSocketInNursery, arguments.socket}, {kPidfdInNursery, arguments.program_pidfd}};
  request.die_with_parent = true;
  os::ExecFailure failure;
  return os::spawn(request, failure);
}

}  // namespace

void keep_nursery(const LauncherArguments& arguments) {
  // As with the launcher: signals meant for all are not for it.
  os::reset_dispositions();
  os::block_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE});
  const int kept[] = {arguments.socket, arguments.program_pidfd, arguments.nursery_program};
  os::close_all_but(kept);
  for (const int fd : kept) os::close_on_exec(fd, true);
  os::settle_standard_streams();
  os::start_session();
  os::set_process_name("prong-keeper");
  const os::Fd program_ended(arguments.program_pidfd);
  const os::Fd child_ended = os::create_child_signal_fd();
  const std::optional<Program> program = read_program(arguments.nursery_program);
  const pid_t nursery = program ? start(*program, arguments) : -1;
  os::Fd(arguments.nursery_program).reset();
  os::Fd(arguments.socket).reset();  // else the coordinator would not hear that nobody serves it
  if (nursery < 0) return;

  os::Poller poller;
  poller.add(program_ended.get(), kProgramEnded);
  poller.add(child_ended.get(), kChildEnded);
  std::vector<std::uint64_t> ready;
  while (!os::try_reap(nursery)) {
    ready.clear();
    poller.wait(ready, -1);
    os::drain_signals(child_ended.get());
    if (std::find(ready.begin(), ready.end(), kProgramEnded) == ready.end()) continue;
    os::signal_process(nursery, SIGKILL);
    os::reap(nursery);
    return;
  }
}

}  // namespace prong::launcher
