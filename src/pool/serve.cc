// What a process does that Prong started: serve as a worker, or as a template that forks workers. See prong/worker.h.
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "launcher/protocol.h"
#include "os/child.h"
#include "os/poller.h"
#include "os/process_tree.h"
#include "os/socket.h"
#include "os/this_process.h"
#include "pool/worker_loop.h"
#include "prong/error.h"

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
  os::set_environment(launcher::kWorkerVariable, std::to_string(order.worker));
  if (hooks.in_worker) hooks.in_worker();
  pool::run_worker({std::move(fds[0]), std::move(fds[1]), std::move(fds[2])}, hooks.runner());
}

// In the middle process: forks the worker, tells the launcher its pid, and ends, so that the launcher adopts it.
[[noreturn]] void fork_and_announce(const Message& order, std::vector<os::Fd> fds, int control, int launcher_pid,
                                    const TemplateHooks& hooks) {
  const int pid = hooks.fork ? hooks.fork() : os::try_fork();
  if (pid == 0) become_worker(order, std::move(fds), control, launcher_pid, hooks);
  if (pid > 0) os::start_group(pid);
  Message report{.kind = pid > 0 ? MessageKind::kForked : MessageKind::kForkFailed, .worker = order.worker};
  report.pid = pid;
  report.error = pid > 0 ? 0 : errno;
  launcher::send(control, report);
  os::exit_now(0);
}

void start_worker(const Message& order, std::vector<os::Fd> fds, int control, int launcher_pid,
                  const TemplateHooks& hooks) {
  const int middle = os::try_fork();
  if (middle == 0) {
    try {
      fork_and_announce(order, std::move(fds), control, launcher_pid, hooks);
    } catch (...) {
      os::exit_now(1);
    }
  }
  Message failed{.kind = MessageKind::kForkFailed, .worker = order.worker};
  failed.error = middle < 0 ? errno : EAGAIN;
  if (middle < 0 || os::reap(middle) != 0) launcher::send(control, failed);
}

}  // namespace

Role role_from_environment() {
  const char* role = std::getenv(launcher::kRoleVariable);
  if (role == nullptr) return Role::kNone;
  const Role found = std::strcmp(role, "worker") == 0 ? Role::kWorker : Role::kTemplate;
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

}  // namespace prong
