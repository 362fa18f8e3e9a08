#include "os/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "os/check.h"
#include "os/fd.h"
#include "os/proc.h"

namespace prong::os {
namespace {

/// Calls `visit` with each entry of the folder that is a number.
void for_each_number_in(const std::string& folder, const std::function<void(pid_t)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(folder.c_str()), ::closedir);
  if (!open) return;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) visit(number);
  }
}

void append_numbers(std::string_view text, std::vector<pid_t>& into) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) into.push_back(to_number<pid_t>(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

pid_t parent_of(pid_t pid) {
  const auto stat = read_file(folder_of(pid) + "/stat");
  return stat ? to_number<pid_t>(stat_field(*stat, 1)) : 0;
}

bool kernel_lists_children() {
  static const bool answer = ::access("/proc/thread-self/children", R_OK) == 0;
  return answer;
}

}  // namespace

bool proc_is_ours() noexcept {
  std::array<char, 24> target;
  const auto size = ::readlink("/proc/self", target.data(), target.size());
  return size > 0 && to_number<pid_t>({target.data(), static_cast<std::size_t>(size)}) == ::getpid();
}

std::vector<pid_t> children_of(pid_t pid) {
  if (!proc_is_ours()) return {};
  if (!kernel_lists_children()) return children_by_scan(pid);
  std::vector<pid_t> children;
  const std::string tasks = folder_of(pid) + "/task";
  for_each_number_in(tasks, [&](pid_t thread) {
    if (const auto text = read_file(tasks + "/" + std::to_string(thread) + "/children"))
      append_numbers(*text, children);
  });
  return children;
}

std::vector<pid_t> children_by_scan(pid_t pid) {
  if (!proc_is_ours()) return {};
  std::vector<pid_t> children;
  for_each_number_in("/proc", [&](pid_t candidate) {
    if (parent_of(candidate) == pid) children.push_back(candidate);
  });
  return children;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> found = children_of(pid);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto below = children_of(found[i]);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

std::uint64_t start_time_of(pid_t pid) {
  const auto stat = read_file(folder_of(pid) + "/stat");
  if (!stat) return 0;
  const std::string_view state = stat_field(*stat, 0);
  if (state == "Z" || state == "X") return 0;
  return to_number<std::uint64_t>(stat_field(*stat, 19));
}

std::string name_of(pid_t pid) {
  std::string name = read_file(folder_of(pid) + "/comm").value_or("");
  if (!name.empty()) name.pop_back();  // the line's end
  return name;
}

std::string describe_process(pid_t pid) {
  const std::string name = name_of(pid);
  return std::to_string(pid) + (name.empty() ? "" : " (" + name + ")");
}

bool signal_process(pid_t pid, int signal) noexcept {
  return pid > 0 && ::kill(pid, signal) == 0;
}

bool signal_group(pid_t leader, int signal) noexcept {
  if (leader <= 1) return false;
  const bool sent = ::kill(-leader, signal) == 0;
  if (sent && ::getpgid(leader) == leader) return true;
  return ::kill(leader, signal) == 0 || sent;  // it has no group of its own yet, or has left it
}

void kill_deep(pid_t pid, const std::function<bool(pid_t)>& spared) {
  const std::vector<pid_t> children = children_of(pid);
  signal_process(pid, SIGKILL);
  for (const pid_t child : children) {
    const pid_t parent = parent_of(child);
    if (spared && spared(child)) continue;
    if (parent == pid || parent == ::getpid()) kill_deep(child, spared);
  }
}

bool ended_by_signal(int status) noexcept {
  return WIFSIGNALED(status);
}
int code_of(int status) noexcept {
  return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

pid_t peek_ended_child() noexcept {
  siginfo_t info = {};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return Reaped::kNoChildren;
  return info.si_pid;
}

std::optional<int> try_reap(pid_t pid) noexcept {
  int status = 0;
  if (retry([&] { return ::waitpid(pid, &status, WNOHANG); }) != pid) return std::nullopt;
  return status;
}

int reap(pid_t pid) noexcept {
  int status = 0;
  return retry([&] { return ::waitpid(pid, &status, 0); }) == pid ? status : -1;
}

Reaped reap_any(bool block) noexcept {
  Reaped reaped;
  rusage used{};
  reaped.pid = retry([&] { return ::wait4(-1, &reaped.status, block ? 0 : WNOHANG, &used); });
  if (reaped.pid > 0) reaped.usage = usage_of(used);
  return reaped;
}

}  // namespace prong::os
