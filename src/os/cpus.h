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

/// Set in workers: among how many the CPUs are divided, so that a pool in a worker takes no more than its share.
inline constexpr const char* kShareVariable = "PRONG_SHARE";
/// The number in kShareVariable; 1 outside of workers.
int sharers_of_cpus();
/// Usable CPUs, or in a worker its share of them; at least 1.
int fair_share_of_cpus();

}  // namespace prong::os
