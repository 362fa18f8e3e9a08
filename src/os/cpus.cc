#include "os/cpus.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

namespace prong::os {
namespace {

/// CPUs that a quota allows, as a fraction; nothing if it does not limit.
using Quota = std::optional<double>;

Quota least(Quota a, Quota b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

Quota ratio(double quota_us, double period_us) {
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  return quota_us / period_us;
}

Quota read_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period_us = 0;
  if (!(file >> quota >> period_us) || quota == "max") return std::nullopt;
  return ratio(std::strtod(quota.c_str(), nullptr), period_us);
}

Quota read_v1(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
  std::ifstream period_file(folder + "/cpu.cfs_period_us");
  double quota_us = 0;
  double period_us = 0;
  if (!(quota_file >> quota_us) || !(period_file >> period_us)) return std::nullopt;
  return ratio(quota_us, period_us);
}

/// The least quota from `path` up to the mount itself. In a container the path may be the host's, which is not there:
/// then the mount alone counts, and it is the container's own.
Quota least_upwards(const std::string& mount, std::string path, Quota (*read)(const std::string&)) {
  Quota quota;
  for (;;) {
    quota = least(quota, read(mount + path));
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return quota;
    path.resize(slash);
  }
}

bool has_controller(std::string_view controllers, std::string_view wanted) {
  std::istringstream list{std::string(controllers)};
  std::string name;
  while (std::getline(list, name, ',')) {
    if (name == wanted) return true;
  }
  return false;
}

/// `line`: "<hierarchy>:<controllers>:<path>" of /proc/self/cgroup.
Quota quota_of_line(const std::string& line, const std::string& cgroups) {
  const auto first = line.find(':');
  const auto second = first == std::string::npos ? first : line.find(':', first + 1);
  if (second == std::string::npos) return std::nullopt;
  const std::string controllers = line.substr(first + 1, second - first - 1);
  std::string path = line.substr(second + 1);
  if (path == "/" || path.starts_with("/..")) path.clear();  // outside our view of the hierarchy
  if (controllers.empty()) {
    return least(least_upwards(cgroups, path, read_v2), least_upwards(cgroups + "/unified", path, read_v2));
  }
  if (!has_controller(controllers, "cpu")) return std::nullopt;
  return least(least_upwards(cgroups + "/cpu", path, read_v1),
               least_upwards(cgroups + "/" + controllers, path, read_v1));
}

Quota cgroup_quota(const std::string& proc_root, const std::string& sys_root) {
  std::ifstream file(proc_root + "/self/cgroup");
  Quota quota;
  for (std::string line; std::getline(file, line);) quota = least(quota, quota_of_line(line, sys_root + "/fs/cgroup"));
  return quota;
}

int online_cpus() {
  return std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
}

/// CPUs in the affinity mask, however many the kernel knows; 0 if it cannot be read.
int affinity_cpus() {
  for (std::size_t cpus = 1024; cpus <= 1024 * 1024; cpus *= 4) {
    std::vector<cpu_set_t> set(cpus / (8 * sizeof(cpu_set_t)));
    const std::size_t size = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, size, set.data()) == 0) return CPU_COUNT_S(size, set.data());
  }
  return 0;
}

}  // namespace

CpuCount usable_cpus(const std::string& proc_root, const std::string& sys_root, int affinity) {
  CpuCount result{std::max(1, affinity), "affinity"};
  const Quota quota = cgroup_quota(proc_root, sys_root);
  if (!quota || std::ceil(*quota) >= result.count) return result;
  std::ostringstream reason;
  reason << "cgroup quota " << *quota;
  return {std::max(1, static_cast<int>(std::ceil(*quota))), reason.str()};
}

CpuCount usable_cpus() {
  const int online = online_cpus();
  const int affinity = affinity_cpus();
  CpuCount result = usable_cpus("/proc", "/sys", affinity > 0 ? affinity : online);
  if (result.reason == "affinity" && result.count >= online) result.reason = "online";
  return result;
}

int sharers_of_cpus() {
  const char* text = std::getenv(kShareVariable);
  return text != nullptr ? std::clamp(std::atoi(text), 1, 1'000'000) : 1;
}

int fair_share_of_cpus() {
  return std::max(1, usable_cpus().count / sharers_of_cpus());
}

}  // namespace prong::os
