// A template for tests of the launcher: no interpreter, and its workers are shell scripts.
//
// PRONG_FAKE_SCRIPT: what workers run. PRONG_FAKE_MODE: "" (serve), "early" (workers end before they are announced),
// "die" (ends at the first order), "mute" (takes orders and does nothing), "deaf" (takes no orders), "refuse" (cannot
// fork).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "launcher/protocol.h"
#include "os/child.h"

namespace {

using namespace prong;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

[[noreturn]] void be_worker(pid_t launcher, std::uint64_t worker) {
  os::wait_for_adoption(launcher);
  os::die_with_parent(launcher);
  os::become_subreaper();
  os::set_environment(launcher::kWorkerVariable, std::to_string(worker));
  ::execl("/bin/sh", "sh", "-c", variable("PRONG_FAKE_SCRIPT").c_str(), nullptr);
  ::_exit(127);
}

[[noreturn]] void be_middle(int socket, pid_t launcher, std::uint64_t id, bool early) {
  const pid_t worker = ::fork();
  if (worker == 0 && early) ::_exit(7);
  if (worker == 0) be_worker(launcher, id);
  ::setpgid(worker, worker);
  siginfo_t ended = {};
  if (early) ::waitid(P_PID, static_cast<id_t>(worker), &ended, WEXITED | WNOWAIT);
  launcher::send(socket, {.kind = launcher::MessageKind::kForked, .worker = id, .pid = worker});
  ::_exit(0);
}

void serve(int socket, const launcher::Message& order, const std::string& mode) {
  if (mode == "die") ::_exit(3);
  if (mode == "mute") return;
  if (mode == "refuse") {
    launcher::send(socket, {.kind = launcher::MessageKind::kForkFailed, .worker = order.worker, .error = EAGAIN});
    return;
  }
  const pid_t launcher_pid = ::getppid();
  const pid_t middle = ::fork();
  if (middle == 0) be_middle(socket, launcher_pid, order.worker, mode == "early");
  ::waitpid(middle, nullptr, 0);
}

}  // namespace

int main() {
  const int socket = std::atoi(variable(prong::launcher::kDescriptorsVariable).c_str());
  const std::string mode = variable("PRONG_FAKE_MODE");
  if (variable(prong::launcher::kRoleVariable) != "template") return 2;
  for (;;) {
    if (mode == "deaf") ::pause();
    prong::os::wait_readable(socket, -1);
    prong::launcher::Message order;
    std::vector<prong::os::Fd> fds;
    const auto received = prong::launcher::receive(socket, order, fds);
    if (received == prong::launcher::Received::kClosed) return 0;
    if (received == prong::launcher::Received::kMessage) serve(socket, order, mode);
  }
}
