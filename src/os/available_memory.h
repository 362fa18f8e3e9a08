// How much memory this process may still take before the kernel kills somebody for it. Any process.
#pragma once

#include <cstdint>
#include <string>

namespace prong::os {

/// The least of MemAvailable and, for each memory cgroup (v1 or v2) on the path of this process, limit less usage.
/// Cached file pages do not count as used: the kernel drops them first. All ones where nothing can be read.
std::uint64_t available_memory();

/// For tests: the same with other roots for /proc and /sys.
std::uint64_t available_memory(const std::string& proc_root, const std::string& sys_root);

/// Throws SystemError(ENOMEM) if `size` bytes of shared memory are not available. Under a memory cgroup nothing else
/// refuses them: the OOM killer would come instead, and take the largest process. Sizes up to 1 MB are not looked at.
void check_available_memory(std::uint64_t size);

}  // namespace prong::os
