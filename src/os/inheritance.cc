#include "os/inheritance.h"

#include <linux/kcmp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <string_view>

#include "os/proc.h"
#include "os/process_tree.h"
#include "os/this_process.h"

namespace prong::os {
namespace {

constexpr std::array kStatusLines = {"Umask:",
                                     "Uid:",
                                     "Gid:",
                                     "Groups:",
                                     "CapInh:",
                                     "CapPrm:",
                                     "CapEff:",
                                     "CapBnd:",
                                     "CapAmb:",
                                     "NoNewPrivs:",
                                     "Seccomp:",
                                     "Seccomp_filters:",
                                     "Cpus_allowed:",
                                     "Mems_allowed:",
                                     "Speculation_Store_Bypass:",
                                     "SpeculationIndirectBranch:",
                                     "THP_enabled:"};
/// Of security modules: what a process is confined to, and what the next exec of this thread will be. Not everywhere.
constexpr std::array kAttributes = {"current", "exec", "fscreate", "keycreate", "sockcreate"};
// Newer than the headers may be.
constexpr int kGetIoFlusher = 58;
constexpr int kSchedCore = 62;
constexpr int kGetMdwe = 66;
constexpr int kGetMemoryMerge = 68;
constexpr int kKeyringId = 0;
constexpr int kSessionKeyring = -3;
/// struct sched_attr of the kernel.
struct SchedulingAttributes {
  std::uint32_t size, policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime, deadline, period;
  std::uint32_t util_min, util_max;
};
constexpr std::array kNamespaces = {"cgroup", "ipc", "mnt", "net", "pid_for_children", "time_for_children",
                                    "user",   "uts"};

/// Gathers texts; fails as a whole when one of them cannot be had.
class Gathered {
 public:
  void add(std::string_view text) { text_.append(text).push_back('\0'); }
  void add_number(long number) { add(std::to_string(number)); }

  void add_file(const char* path, bool (*wanted)(std::string_view line) = nullptr) {
    const std::optional<std::string> read = read_file(path);
    if (!read) return fail();
    if (wanted == nullptr) return add(*read);
    std::string_view rest = *read;
    while (!rest.empty()) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      if (wanted(line)) add(line);
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
  }

  void add_identity(const char* path) {
    struct stat found = {};
    if (::stat(path, &found) != 0) return fail();
    add_number(static_cast<long>(found.st_dev));
    add_number(static_cast<long>(found.st_ino));
  }

  void add_link(const std::string& path) {
    std::array<char, 4096> target;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size < 0 && errno != ENOENT) return fail();
    add({target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
  }

  /// What may be missing or refused, which is the same as long as it is both times.
  void add_file_if_any(const std::string& path) { add(read_file(path).value_or("")); }

  void fail() { failed_ = true; }
  std::optional<std::string> take() && { return failed_ ? std::nullopt : std::optional(std::move(text_)); }

 private:
  std::string text_;
  bool failed_ = false;
};

bool is_inherited(std::string_view line) {
  for (const char* name : kStatusLines) {
    if (line.starts_with(name)) return true;
  }
  return false;
}

void add_scheduling(Gathered& gathered) {
  constexpr int kOfThisThread = 1;       // IOPRIO_WHO_PROCESS
  SchedulingAttributes attributes = {};  // policy, nice, priority, deadlines, clamps of the frequency
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return gathered.fail();
  gathered.add({reinterpret_cast<const char*>(&attributes), sizeof attributes});
  gathered.add_number(::syscall(SYS_ioprio_get, kOfThisThread, 0));
  gathered.add_number(::prctl(PR_GET_TIMERSLACK));
}

void add_memory_policy(Gathered& gathered) {
  std::array<unsigned long, 64> nodes = {};
  int mode = -1;
  constexpr unsigned long kMostNodes = sizeof nodes * CHAR_BIT;
  gathered.add_number(::syscall(SYS_get_mempolicy, &mode, nodes.data(), kMostNodes, nullptr, 0));
  gathered.add_number(mode);
  for (const unsigned long part : nodes) gathered.add_number(static_cast<long>(part));
}

/// What is asked by prctl() and refused by kernels that do not have it.
void add_flags(Gathered& gathered) {
  gathered.add_number(::prctl(PR_GET_SECUREBITS));
  gathered.add_number(::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  gathered.add_number(::prctl(kGetIoFlusher, 0, 0, 0, 0));
  gathered.add_number(::prctl(kGetMdwe, 0, 0, 0, 0));
  gathered.add_number(::prctl(kGetMemoryMerge, 0, 0, 0, 0));
  std::uint64_t cookie = 0;
  ::prctl(kSchedCore, 0, 0, 0, &cookie);
  gathered.add_number(static_cast<long>(cookie));
  gathered.add_number(::personality(0xffffffff));
  gathered.add_number(::syscall(SYS_keyctl, kKeyringId, kSessionKeyring, 0));
}

}  // namespace

std::optional<std::string> inheritance() {
  if (!proc_is_ours()) return std::nullopt;
  Gathered gathered;
  gathered.add_file("/proc/thread-self/status", is_inherited);
  gathered.add_file("/proc/self/limits");
  gathered.add_file("/proc/self/cgroup");
  gathered.add_file("/proc/self/oom_score_adj");
  gathered.add_file("/proc/self/coredump_filter");
  gathered.add_identity(".");
  gathered.add_link("/proc/self/cwd");  // one that was moved or removed is not as it was
  gathered.add_identity("/");
  for (const char* name : kNamespaces) gathered.add_link(std::string("/proc/self/ns/") + name);
  add_scheduling(gathered);
  add_memory_policy(gathered);
  add_flags(gathered);
  for (const char* name : kAttributes) gathered.add_file_if_any(std::string("/proc/thread-self/attr/") + name);
  for (const std::string& variable : current_environment()) gathered.add(variable);
  return std::move(gathered).take();
}

// kcmp is also refused when this process has confined itself (Landlock) or has become somebody else since the other one
// was started.
bool same_output(pid_t other) noexcept {
  const auto same = [other](int fd) { return ::syscall(SYS_kcmp, ::getpid(), other, KCMP_FILE, fd, fd) == 0; };
  return same(STDOUT_FILENO) && same(STDERR_FILENO);
}

}  // namespace prong::os
