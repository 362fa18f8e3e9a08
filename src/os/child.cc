#include "os/child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <string_view>

#include "os/check.h"
#include "os/vfork.h"

// The children below run in the caller's memory, or as copies of a process with threads. So they call nothing but the
// kernel: no allocation, no locks, and no sanitizer's bookkeeping, which would be that of the caller.
#define PRONG_BARE __attribute__((no_sanitize("address", "thread", "undefined")))

namespace prong::os {
namespace {

enum class Stage : int { kNone, kFork, kChdir, kDup, kExec };
constexpr std::array<const char*, 5> kStageNames = {nullptr, "fork", "chdir", "dup2", "exec"};

constexpr std::size_t kStackSize = 16 * 1024;
constexpr std::size_t kKernelSetSize = 8;  // of the kernel's sigset_t
constexpr int kLastSignal = 64;

struct Move {
  int target;
  int source;
};

/// What the child says of itself: in shared memory, or through `report_fd` when it has a copy of the memory.
struct Report {
  pid_t pid = -1;
  Stage stage = Stage::kNone;
  int error = 0;
};

/// All that the child needs, as plain pointers into the caller's vectors.
struct Plan {
  const char* const* paths = nullptr;  // to try in turn
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  Move* moves = nullptr;
  std::size_t move_count = 0;
  int first_free = 3;  // above all targets
  bool new_group = false;
  bool new_session = false;
  int niceness = 0;
  pid_t parent = 0;  // not 0: die with it
  int report_fd = -1;
  Report report;
  void* inner_stack = nullptr;  // of the process that a middle process starts
};

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer's account of this thread is in memory that a child of clone(CLONE_VM) would go on writing.
std::atomic<bool> clone_refused_for_test = true;
#else
std::atomic<bool> clone_refused_for_test = false;
#endif

// ---- in the child

PRONG_BARE void report(Plan& plan, const Report& report) {
  plan.report = report;
  if (plan.report_fd >= 0) ::syscall(SYS_write, plan.report_fd, &plan.report, sizeof plan.report);
}

PRONG_BARE int fail_in_child(Plan& plan, Stage stage) {
  report(plan, {-1, stage, errno});
  ::syscall(SYS_exit_group, 127);
  return 127;
}

PRONG_BARE void reset_dispositions() {
  struct {
    void* handler;
    unsigned long rest[7];
  } by_default = {};  // the kernel's struct sigaction, whatever its fields are called here
  for (int number = 1; number <= kLastSignal; ++number) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    ::syscall(SYS_rt_sigaction, number, &by_default, nullptr, kKernelSetSize);
  }
}

PRONG_BARE bool move_descriptors(Plan& plan) {
  // Close-on-exec for all; a descriptor that is moved loses the flag. Refused before Linux 5.11: then it was hoped for.
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  for (std::size_t i = 0; i < plan.move_count; ++i) {
    Move& move = plan.moves[i];
    if (move.source >= plan.first_free || move.source == move.target) continue;
    move.source = static_cast<int>(::syscall(SYS_fcntl, move.source, F_DUPFD_CLOEXEC, plan.first_free));
    if (move.source < 0) return false;
  }
  for (std::size_t i = 0; i < plan.move_count; ++i) {
    const Move& move = plan.moves[i];
    const long result = move.source == move.target ? ::syscall(SYS_fcntl, move.target, F_SETFD, 0)
                                                   : ::syscall(SYS_dup3, move.source, move.target, 0);
    if (result < 0) return false;
  }
  return true;
}

PRONG_BARE void add_niceness(int by) {
  constexpr long kFromKernel = 20;  // it has the range 1 to 40, and the nicest first
  const long present = kFromKernel - ::syscall(SYS_getpriority, PRIO_PROCESS, 0);
  ::syscall(SYS_setpriority, PRIO_PROCESS, 0, present + by);
}

PRONG_BARE bool worth_another_path(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP || error == ENAMETOOLONG;
}

PRONG_BARE void exec_first(const Plan& plan) {
  int error = ENOENT;  // of a search: wherever it is not, it is just not there
  const bool searches = plan.paths[0] != nullptr && plan.paths[1] != nullptr;
  for (const char* const* path = plan.paths; *path != nullptr; ++path) {
    ::syscall(SYS_execve, *path, plan.arguments, plan.environment);
    if (!searches || errno == EACCES || !worth_another_path(errno)) error = errno;
    if (!worth_another_path(errno)) break;
  }
  errno = error;
}

PRONG_BARE int run_child(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  reset_dispositions();
  if (plan.parent != 0) {
    ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::syscall(SYS_getppid) != plan.parent) ::syscall(SYS_exit_group, 127);
  }
  if (plan.new_session) ::syscall(SYS_setsid);
  if (plan.new_group) ::syscall(SYS_setpgid, 0, 0);
  if (plan.niceness != 0) add_niceness(plan.niceness);
  if (plan.directory != nullptr && ::syscall(SYS_chdir, plan.directory) != 0) return fail_in_child(plan, Stage::kChdir);
  if (!move_descriptors(plan)) return fail_in_child(plan, Stage::kDup);
  const std::uint64_t no_signals = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &no_signals, nullptr, kKernelSetSize);
  exec_first(plan);
  return fail_in_child(plan, Stage::kExec);
}

PRONG_BARE int run_middle(void* argument) {
  Plan& plan = *static_cast<Plan*>(argument);
  const pid_t pid = ::clone(run_child, plan.inner_stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &plan);
  if (pid < 0) return fail_in_child(plan, Stage::kFork);
  if (plan.report.stage == Stage::kNone) plan.report.pid = pid;
  ::syscall(SYS_exit_group, 0);  // whoever adopts the new process also reaps it if it failed
  return 0;
}

// ---- in the caller

std::string_view search_path(const std::vector<std::string>& environment) {
  for (const auto& variable : environment) {
    if (variable.starts_with("PATH=")) return std::string_view(variable).substr(5);
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

std::vector<std::string> candidates(const std::string& name, const std::vector<std::string>& environment) {
  if (name.empty() || name.find('/') != std::string::npos) return {name};
  std::vector<std::string> paths;
  std::string_view rest = search_path(environment);
  for (;;) {
    const auto colon = rest.find(':');
    const std::string_view folder = rest.substr(0, colon);
    paths.push_back(folder.empty() ? "./" + name : std::string(folder) + "/" + name);
    if (colon == std::string_view::npos) return paths;
    rest.remove_prefix(colon + 1);
  }
}

/// Owns the arrays that a Plan points to.
class PreparedPlan {
 public:
  explicit PreparedPlan(const ExecRequest& request) {
    prepare_paths(request);
    for (const auto& argument : request.arguments) arguments_.push_back(const_cast<char*>(argument.c_str()));
    for (const auto& variable : request.environment) environment_.push_back(const_cast<char*>(variable.c_str()));
    arguments_.push_back(nullptr);
    environment_.push_back(nullptr);
    for (const auto& [target, source] : request.fds) {
      moves_.push_back({target, source});
      plan.first_free = std::max(plan.first_free, target + 1);
    }
    plan.paths = path_pointers_.data();
    plan.arguments = arguments_.data();
    plan.environment = environment_.data();
    plan.directory = request.directory.empty() ? nullptr : request.directory.c_str();
    plan.moves = moves_.data();
    plan.move_count = moves_.size();
    plan.new_group = request.new_group;
    plan.new_session = request.new_session;
    plan.niceness = request.niceness;
  }

  Plan plan;

 private:
  void prepare_paths(const ExecRequest& request) {
    if (!request.executable.empty()) {
      paths_.push_back(request.executable);
    } else if (!request.arguments.empty()) {
      paths_ = candidates(request.arguments[0], request.environment);
    }
    for (const auto& path : paths_) path_pointers_.push_back(path.c_str());
    path_pointers_.push_back(nullptr);
  }

  std::vector<std::string> paths_;
  std::vector<const char*> path_pointers_;
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
  std::vector<Move> moves_;
};

pid_t clone_in_our_memory(int (*main)(void*), void* stack_top, int exit_signal, Plan& plan) {
  if (clone_refused_for_test) {
    errno = EPERM;
    return -1;
  }
  return ::clone(main, stack_top, CLONE_VM | CLONE_VFORK | exit_signal, &plan);
}

/// Reads what the children wrote until the last of them has exec'ed or ended.
void collect_reports(int report_fd, Report& into) {
  Report report;
  while (retry([&] { return ::read(report_fd, &report, sizeof report); }) == sizeof report) {
    if (report.pid > 0) into.pid = report.pid;
    if (report.stage != Stage::kNone) into = report;
  }
}

/// The way where clone() in our memory is refused: copies of the process that report through a pipe.
pid_t fork_and_report(Plan& plan, bool detached) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  const Fd reader(ends[0]);
  Fd writer(ends[1]);
  writer = Fd(::fcntl(writer.get(), F_DUPFD_CLOEXEC, plan.first_free));
  plan.report_fd = writer.get();
  const pid_t child = ::fork();
  if (child == 0) {
    const pid_t inner = detached ? ::fork() : 0;
    if (inner == 0) run_child(&plan);
    report(plan, {inner, inner < 0 ? Stage::kFork : Stage::kNone, errno});
    ::_exit(0);
  }
  writer.reset();
  if (child > 0) collect_reports(reader.get(), plan.report);
  return child;
}

/// The pid, or -1 and `failure`; a child that failed to exec is reaped.
pid_t conclude(const Plan& plan, pid_t pid, ExecFailure& failure) {
  failure = {};
  if (plan.report.stage == Stage::kNone && pid > 0) return pid;
  const bool never_began = plan.report.stage == Stage::kNone;
  failure.stage = never_began ? "fork" : kStageNames.at(static_cast<std::size_t>(plan.report.stage));
  failure.error = never_began ? errno : plan.report.error;
  return -1;
}

}  // namespace

pid_t spawn(const ExecRequest& request, ExecFailure& failure) {
  PreparedPlan prepared(request);
  Plan& plan = prepared.plan;
  plan.parent = request.die_with_parent ? ::getpid() : 0;
  alignas(64) std::array<std::byte, kStackSize> stack;  // ours, and we sleep while the child runs on it
  pid_t pid = -1;
  {
    const SignalsBlocked blocked;
    pid = clone_in_our_memory(run_child, stack.data() + stack.size(), SIGCHLD, plan);
    if (pid < 0 && is_refused(errno)) pid = fork_and_report(plan, false);
  }
  const int error = errno;
  if (pid > 0 && plan.report.stage != Stage::kNone) retry([&] { return ::waitpid(pid, nullptr, 0); });
  errno = error;
  return conclude(plan, pid, failure);
}

pid_t spawn_detached(const ExecRequest& request, ExecFailure& failure) {
  PreparedPlan prepared(request);
  Plan& plan = prepared.plan;
  alignas(64) std::array<std::byte, kStackSize> middle_stack;
  alignas(64) std::array<std::byte, kStackSize> inner_stack;
  plan.inner_stack = inner_stack.data() + inner_stack.size();
  pid_t middle = -1;
  {
    const SignalsBlocked blocked;
    middle = clone_in_our_memory(run_middle, middle_stack.data() + middle_stack.size(), 0, plan);
    if (middle < 0 && is_refused(errno)) middle = fork_and_report(plan, true);
  }
  const int error = errno;
  if (middle > 0) retry([&] { return ::waitpid(middle, nullptr, __WALL); });
  errno = error;
  return conclude(plan, plan.report.pid, failure);
}

std::string find_program(const std::string& name, const std::vector<std::string>& environment) {
  for (const std::string& path : candidates(name, environment)) {
    struct stat found = {};
    if (::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

void refuse_clone_for_test(bool refuse) noexcept {
  clone_refused_for_test = refuse;
}

void kill_by_pidfd(const Fd& pidfd, pid_t pid) noexcept {
  if (pidfd && (::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0) == 0 || errno == ESRCH)) return;
  ::kill(pid, SIGKILL);
}

Fd open_pidfd(pid_t pid) noexcept {
  return Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace prong::os
