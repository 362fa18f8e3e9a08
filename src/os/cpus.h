// How many CPUs this process may really use.
#pragma once

#include <string>

namespace prong::os {

struct CpuCount {
  int count = 1;
  std::string reason;  ///< "affinity", "cgroup quota 1.5", "online"
};

/// The least of affinity and cgroup (v1, v2) quota on the path of this process, rounded up, at least 1.
CpuCount usable_cpus();

/// For tests: the same with another root for /proc and /sys.
CpuCount usable_cpus(const std::string& proc_root, const std::string& sys_root, int affinity);

}  // namespace prong::os
