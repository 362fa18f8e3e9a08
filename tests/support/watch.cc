// watch COMMAND [ARGUMENT...]: runs one test program and sees to it that it ends and leaves nothing behind.
//
// - Stuck for 50 seconds: all that it started is printed with its stacks (by eu-stack) and killed, status 124.
// - Ended, but processes that it started live on 5 seconds later: they are named and killed, status 125.
//   (PRONG_WATCH_LIMIT_S and PRONG_WATCH_GRACE_S in the environment change the two numbers.)
// - Otherwise the status of the command; 128 and the signal's number if a signal ended it.
//
// It adopts what the command's processes leave (child subreaper), so daemons and double forks do not escape it.
#include <dirent.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kStuck = 124;
constexpr int kLeftovers = 125;

std::chrono::seconds seconds_from(const char* variable, int otherwise) {
  const char* text = std::getenv(variable);
  return std::chrono::seconds{text ? std::atoi(text) : otherwise};
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  DIR* folder = opendir(tasks.c_str());
  while (const dirent* task = folder ? readdir(folder) : nullptr) {
    std::ifstream list(tasks + "/" + task->d_name + "/children");
    children.insert(children.end(), std::istream_iterator<pid_t>(list), {});
  }
  if (folder) closedir(folder);
  return children;
}

std::vector<pid_t> descendants() {
  std::vector<pid_t> found = children_of(getpid());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::vector<pid_t> next = children_of(found[i]);
    found.insert(found.end(), next.begin(), next.end());
  }
  return found;
}

std::string command_line(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::string words{std::istreambuf_iterator<char>(file), {}};
  for (char& c : words) c = c == '\0' ? ' ' : c;
  return words.empty() ? "(ended)" : words;
}

void print_processes(const char* what, bool with_stacks) {
  for (const pid_t pid : descendants()) {
    std::cerr << "watch: " << what << ": " << pid << " " << command_line(pid) << std::endl;
    const std::string stack = "eu-stack -p " + std::to_string(pid) + " >&2";
    if (with_stacks && std::system(stack.c_str()) != 0) std::cerr << "watch: no stack of " << pid << std::endl;
  }
}

void kill_descendants() {
  for (std::vector<pid_t> all = descendants(); !all.empty(); all = descendants()) {
    for (const pid_t pid : all) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }
}

// Reaps until `pid` has ended (0: until no child is left) or the deadline has come. Returns its status, if it ended.
std::optional<int> reap_until(pid_t pid, Clock::time_point deadline) {
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (pid > 0 ? ended == pid : ended < 0) return status;
    if (ended > 0) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    const timespec wait{left / 1000, left % 1000 * 1'000'000};
    sigtimedwait(&child_ended, nullptr, &wait);
  }
}

pid_t start(char** command) {
  sigset_t child_ended;
  sigset_t before;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, &before);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef PRONG_WATCH_FIXED_ADDRESSES
  personality(ADDR_NO_RANDOMIZE);
#endif
  sigprocmask(SIG_SETMASK, &before, nullptr);
  execvp(command[0], command);
  std::perror(command[0]);
  _exit(127);
}

int fail(int status, const char* what) {
  print_processes(what, status == kStuck);
  kill_descendants();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t pid = start(argv + 1);
  const std::optional<int> status = reap_until(pid, Clock::now() + seconds_from("PRONG_WATCH_LIMIT_S", 50));
  if (!status) return fail(kStuck, "stuck");
  if (!reap_until(0, Clock::now() + seconds_from("PRONG_WATCH_GRACE_S", 5))) return fail(kLeftovers, "left behind");
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
}
