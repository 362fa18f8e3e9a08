// How much shared memory the large payloads of this process take, and may take. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace prong {

/// Holds submissions back. Results are counted, but refused only when the machine has no more memory: their work is done.
struct SharedMemoryLimit {
  std::uint64_t bytes = 0;           ///< 0: half of what the machine and its memory cgroups have for us
  std::chrono::nanoseconds wait{0};  ///< how long a submission waits for room
  /// A folder: what found no room goes to files there, which have no names. Empty: it is refused.
  std::string spill_folder{};
  /// Asked now and then while a submission waits; true: it is refused with EINTR.
  std::function<bool()> interrupted{};
};

/// For all pools of this process, from now on. Throws UsageError if the folder is none or `wait` is negative.
void limit_shared_memory(SharedMemoryLimit limit);

struct SharedMemoryUse {
  std::uint64_t bytes = 0;          ///< of payloads, and kept
  std::uint64_t kept_bytes = 0;     ///< free, for what comes next
  std::uint64_t spilled_bytes = 0;  ///< of payloads in files
};
SharedMemoryUse shared_memory_use() noexcept;

}  // namespace prong
