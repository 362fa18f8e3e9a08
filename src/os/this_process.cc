#include "os/this_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>

#include "os/check.h"
#include "os/child.h"
#include "os/clock.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace prong::os {
namespace {

constexpr std::int64_t kAdoptionBoundNs = 10'000'000'000;

/// Waits until this process has another parent than `parent`, at most `timeout_ms`; without pidfds just a little.
void wait_for_end_of_parent(pid_t parent, int timeout_ms) {
  const Fd pidfd = open_pidfd(parent);
  if (::getppid() != parent) return;  // it ended before: the descriptor may be another's
  pollfd entry = {pidfd.get(), POLLIN, 0};
  if (pidfd) {
    ::poll(&entry, 1, timeout_ms);  // the kernel gives orphans away before it says that their parent has ended
  } else {
    const timespec pause = {0, 200'000};
    ::nanosleep(&pause, nullptr);
  }
}

bool is_gone(pid_t pid) {
  if (::kill(pid, 0) == -1 && errno == ESRCH) return true;
  return proc_is_ours() && start_time_of(pid) == 0;
}

void close_from_to(unsigned first, unsigned last) {
  if (first > last || ::syscall(SYS_close_range, first, last, 0) == 0) return;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return;
  std::vector<int> open;
  while (const dirent* entry = ::readdir(folder)) open.push_back(std::atoi(entry->d_name));
  ::closedir(folder);
  for (const int fd : open) {
    if (fd >= 0 && static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last) ::close(fd);
  }
}

void write_file(const char* path, const char* text, std::size_t size) {
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (file) [[maybe_unused]]
    const auto ignored = ::write(file.get(), text, size);
}

}  // namespace

pid_t process_id() noexcept {
  return ::getpid();
}
pid_t parent_id() noexcept {
  return ::getppid();
}
pid_t try_fork() noexcept {
  return ::fork();
}
void exit_now(int status) noexcept {
  ::_exit(status);
}

void become_program(char* const* argv, char* const* environment) noexcept {
  ::execve(argv[0], argv, environment);
  ::_exit(127);
}

void after_fork_in_child(void (*handler)()) noexcept {
  ::pthread_atfork(nullptr, nullptr, handler);
}

void around_fork(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept {
  ::pthread_atfork(before, in_parent, in_child);
}

std::uint64_t fork_count() noexcept {
  static std::atomic<std::uint64_t> count = 0;
  // Before and after: what another thread notes while a fork goes on must not look like what it notes afterwards.
  static constexpr auto kCount = [] { ++count; };
  static const bool counting = ::pthread_atfork(kCount, kCount, kCount) == 0;
  return counting ? count.load() : ++count;  // never the same where nobody counts
}

bool has_one_thread() noexcept {
  struct stat folder = {};
  constexpr nlink_t kOfOne = 3;  // "..", "." and that of the thread
  return ::stat("/proc/self/task", &folder) == 0 && folder.st_nlink == kOfOne;
}

bool is_executable(const std::string& path) noexcept {
  return ::access(path.c_str(), X_OK) == 0;
}

void become_subreaper() {
  check(::prctl(PR_SET_CHILD_SUBREAPER, 1), "become a subreaper");
}

void die_with_parent(pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
}

bool wait_for_adoption(pid_t parent) noexcept {
  const std::int64_t deadline = monotonic_now() + kAdoptionBoundNs;
  const pid_t first = ::getppid();
  for (;;) {
    const pid_t now = ::getppid();
    if (now == parent) return true;
    const std::int64_t left_ms = (deadline - monotonic_now()) / 1'000'000;
    if (now != first || left_ms <= 0 || is_gone(parent)) return false;  // adopted by another, or never to be adopted
    wait_for_end_of_parent(now, static_cast<int>(left_ms));
  }
}

void start_session() noexcept {
  ::setsid();
}
void start_group(pid_t pid) noexcept {
  ::setpgid(pid, pid);
}

void close_all_but(std::span<const int> keep) noexcept {
  std::vector<int> kept(keep.begin(), keep.end());
  std::sort(kept.begin(), kept.end());
  unsigned next = 3;
  for (const int fd : kept) {
    if (fd < 0 || static_cast<unsigned>(fd) < next) continue;
    close_from_to(next, static_cast<unsigned>(fd) - 1);
    next = static_cast<unsigned>(fd) + 1;
  }
  close_from_to(next, ~0U);
}

Fd open_null() {
  return Fd(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open '/dev/null'"));
}

void settle_standard_streams() {
  Fd null = open_null();
  check(::dup2(null.get(), 0), "make standard input /dev/null");
  for (const int fd : {1, 2}) {
    if (::fcntl(fd, F_GETFD) == -1) check(::dup2(null.get(), fd), "open descriptor ", fd);
  }
  if (null.get() <= 2) ::fcntl(null.release(), F_SETFD, 0);
}

Fd open_to_append(const std::string& path) {
  constexpr mode_t kMode = 0666;  // less what umask takes
  return Fd(check(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode), "write to '", path, "'"));
}

void append_only(int fd) noexcept {
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_APPEND);
}

void make_empty(int fd) noexcept {
  (void)retry([&]() noexcept { return ::ftruncate(fd, 0); });
}

void set_process_name(const char* name) noexcept {
  ::prctl(PR_SET_NAME, name);
}

void disable_core_dumps() noexcept {
  rlimit limit = {};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

void prefer_as_oom_victim() noexcept {
  write_file("/proc/self/oom_score_adj", "1000", 4);
}

void be_nicer(int by) noexcept {
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + by));
}

std::vector<std::string> current_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

void set_environment(const char* name, const std::string& value) {
  ::setenv(name, value.c_str(), 1);
}

}  // namespace prong::os
