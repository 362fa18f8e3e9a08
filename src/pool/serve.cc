// What a process does that Prong started: serve as a worker, as a template that forks workers, or as a nursery that
// pools are branched off from. See prong/worker.h and prong/nursery.h.
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "launcher/protocol.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/poller.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/this_process.h"
#include "os/vfork.h"
#include "pool/branch.h"
#include "pool/hooked_fork.h"
#include "pool/launcher_path.h"
#include "pool/nursery.h"
#include "pool/worker_loop.h"
#include "prong/error.h"
#include "prong/nursery.h"
#include "prong/worker.h"

namespace prong {
namespace {

using launcher::Message;
using launcher::MessageKind;

std::string descriptors_given;  // from the environment, until they are used
int launcher_pid_given = 0;

int to_number(const char* text) {
  int number = -1;
  if (text != nullptr) std::from_chars(text, text + std::strlen(text), number);
  return number;
}

std::array<int, 3> parse_descriptors(const std::string& text) {
  std::array<int, 3> numbers{-1, -1, -1};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (int& number : numbers) {
    at = std::from_chars(at, end, number).ptr;
    if (at != end) ++at;
  }
  return numbers;
}

[[noreturn]] void become_worker(const Message& order, std::vector<os::Fd> fds, int control, int launcher_pid,
                                const TemplateHooks& hooks) {
  os::Fd(control).reset();
  if (!os::wait_for_adoption(launcher_pid)) os::exit_now(1);
  pool::settle_worker(launcher_pid);
  os::be_nicer(order.niceness);
  os::set_environment(launcher::kWorkerVariable, std::to_string(order.worker));
  if (hooks.in_worker) hooks.in_worker();
  pool::run_worker({std::move(fds[0]), std::move(fds[1]), std::move(fds[2])}, hooks.runner());
}

// In the middle process, which may borrow the template's memory: forks the worker, tells the launcher its pid, and
// ends, so that the launcher adopts it.
[[noreturn]] void fork_and_announce(const Message& order, std::vector<os::Fd>& fds, int control, int launcher_pid,
                                    const TemplateHooks& hooks, const os::SignalsBlocked& blocked) {
  const int pid = os::fork_borrowed();
  if (pid == 0) {
    blocked.restore();
    if (hooks.fork.in_child) hooks.fork.in_child();
    become_worker(order, std::move(fds), control, launcher_pid, hooks);
  }
  if (pid > 0) os::start_group(pid);
  Message report{.kind = pid > 0 ? MessageKind::kForked : MessageKind::kForkFailed, .worker = order.worker};
  report.pid = pid;
  report.error = pid > 0 ? 0 : errno;
  launcher::send(control, report);
  os::exit_now(0);
}

// Handlers of forks that C libraries have left run in the middle process, and not here: only where there are no threads
// that they might be for.
int start_middle(const ForkHooks& hooks, const std::function<void(const os::SignalsBlocked&)>& run) {
  const pool::HookedFork hooked(hooks);
  const os::SignalsBlocked blocked;
  if (os::has_one_thread()) return os::vfork_into([&] { run(blocked); });
  const int pid = os::try_fork();
  if (pid != 0) return pid;
  try {
    run(blocked);
  } catch (...) {
  }
  os::exit_now(1);
}

void start_worker(const Message& order, std::vector<os::Fd> fds, int control, int launcher_pid,
                  const TemplateHooks& hooks) {
  const int middle = start_middle(hooks.fork, [&](const os::SignalsBlocked& blocked) {
    fork_and_announce(order, fds, control, launcher_pid, hooks, blocked);
  });
  Message failed{.kind = MessageKind::kForkFailed, .worker = order.worker};
  failed.error = middle < 0 ? errno : EAGAIN;
  if (middle < 0 || os::reap(middle) != 0) launcher::send(control, failed);
}

/// What a nursery has.
struct NurseryEnds {
  int socket = -1;
  int program_pidfd = -1;
  std::string launcher_path{};
  os::SavedDisposition at_child_end{SIGCHLD};  ///< as the interpreter had it
};

/// In a nursery. If something is refused, the launcher's socket is closed, which is heard.
void branch_off(const Message& request, std::vector<os::Fd> fds, const NurseryEnds& nursery,
                const NurseryHooks& hooks) {
  const auto program = launcher::read_program(fds[1].get());
  if (!program) return;
  auto [launcher_end, template_end] = os::socket_pair();
  std::vector<std::string> environment = program->environment;
  environment.push_back(os::kShareVariable + ("=" + std::to_string(request.worker)));
  const auto run_template = [&](int control_fd) {
    // An import that hangs, or signals its own group, is no business of the nursery's.
    os::die_with_parent(os::parent_id());
    os::start_group(0);
    os::Fd(nursery.socket).reset();
    os::Fd(nursery.program_pidfd).reset();
    fds[1].reset();
    hooks.run_template(control_fd, environment);
  };
  pool::start_branch({.launcher_path = nursery.launcher_path,
                      .sharers_of_cpus = static_cast<std::int64_t>(request.worker),
                      .program_pid = request.pid,
                      .program_pidfd = nursery.program_pidfd,
                      .socket = fds[0].get(),
                      .launcher_end = launcher_end.get(),
                      .template_end = template_end.get(),
                      .fork = hooks.fork,
                      .in_guard = [&] { nursery.at_child_end.restore(); },
                      .run_template = run_template});
}

}  // namespace

Role role_from_environment() {
  const char* role = std::getenv(launcher::kRoleVariable);
  if (role == nullptr) return Role::kNone;
  Role found = Role::kTemplate;
  if (std::strcmp(role, "worker") == 0) found = Role::kWorker;
  if (std::strcmp(role, "nursery") == 0) found = Role::kNursery;
  if (const char* fds = std::getenv(launcher::kDescriptorsVariable)) descriptors_given = fds;
  launcher_pid_given = to_number(std::getenv(launcher::kLauncherPidVariable));
  for (const char* name : {launcher::kRoleVariable, launcher::kDescriptorsVariable, launcher::kLauncherPidVariable})
    ::unsetenv(name);
  return found;
}

void serve_worker(JobRunner& runner) {
  const auto [segment, doorbell, control] = parse_descriptors(descriptors_given);
  pool::settle_worker(launcher_pid_given);
  pool::WorkerDescriptors descriptors{os::Fd(segment), os::Fd(doorbell), os::Fd(control)};
  for (const int fd : {segment, doorbell, control}) os::close_on_exec(fd);
  pool::run_worker(std::move(descriptors), runner);
}

void serve_template(const TemplateHooks& hooks, int control_fd) {
  const int control = control_fd >= 0 ? control_fd : parse_descriptors(descriptors_given)[0];
  const int launcher_pid = os::parent_id();
  os::close_on_exec(control);
  os::die_with_parent(launcher_pid);
  for (;;) {
    os::wait_readable(control, -1);
    Message order;
    std::vector<os::Fd> fds;
    switch (launcher::receive(control, order, fds)) {
      case launcher::Received::kNothing:
        continue;
      case launcher::Received::kClosed:
        os::exit_now(0);
      case launcher::Received::kMessage:
        break;
    }
    if (order.kind == MessageKind::kStartWorker && fds.size() == 3)
      start_worker(order, std::move(fds), control, launcher_pid, hooks);
  }
}

// Its keeper sees to it that it ends with the program, and when it is told to end.
void serve_nursery(const NurseryHooks& hooks) {
  const auto descriptors = parse_descriptors(descriptors_given);
  const NurseryEnds nursery{descriptors[0], descriptors[1], pool::find_launcher()};
  os::close_on_exec(nursery.socket);
  os::close_on_exec(nursery.program_pidfd);
  os::ignore_signals({SIGCHLD});  // the guards of launchers end some time: nobody waits for them
  launcher::send(nursery.socket, {.kind = MessageKind::kHello, .pid = os::process_id()});
  std::chrono::nanoseconds patience = pool::Nursery::kPrepared;
  for (;;) {
    const std::int64_t deadline = patience.count() > 0 ? os::monotonic_now() + patience.count() : -1;
    if (!os::wait_readable(nursery.socket, deadline)) os::exit_now(0);
    Message request;
    std::vector<os::Fd> fds;
    const launcher::Received received = launcher::receive(nursery.socket, request, fds);
    if (received == launcher::Received::kClosed) os::exit_now(0);
    if (received == launcher::Received::kNothing) continue;
    if (request.kind == MessageKind::kNoPools) patience = std::chrono::nanoseconds(request.patience_ns);
    if (request.kind != MessageKind::kStartPool || fds.size() != 2) continue;
    patience = {};
    try {
      branch_off(request, std::move(fds), nursery, hooks);
    } catch (const Error&) {
      continue;
    }
  }
}

}  // namespace prong
