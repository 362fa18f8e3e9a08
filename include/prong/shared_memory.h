// How much shared memory the large payloads of this process take, and may take. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace prong {

/// Of what this process sends. Results are counted, too, but not held back: their work is done.
struct SharedMemoryLimit {
  std::uint64_t bytes = 0;                        ///< 0: half of what the machine and its memory cgroups have for us
  std::chrono::nanoseconds wait{10'000'000'000};  ///< how long a submission waits for room
  /// A folder: what found no room goes to files there, which have no names. Empty: it is refused.
  std::string spill_folder{};
  /// Asked now and then while a submission waits; true: it is refused with EINTR.
  std::function<bool()> interrupted{};
};

/// For all pools of this process, from now on. Throws UsageError if the folder is none or `wait` is negative.
void limit_shared_memory(SharedMemoryLimit limit);

/// Room for payloads that are about to be made: while it lives, so much of the limit is theirs. Payloads up to 1 MiB in
/// all need none.
class SharedMemoryRoom {
 public:
  SharedMemoryRoom() = default;
  /// Waits for it, if need be. Throws SystemError: ENOMEM beyond the limit, EINTR.
  explicit SharedMemoryRoom(std::uint64_t bytes);
  SharedMemoryRoom(SharedMemoryRoom&& other) noexcept
      : bytes_(std::exchange(other.bytes_, 0)), folder_(std::move(other.folder_)) {}
  SharedMemoryRoom& operator=(SharedMemoryRoom&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    folder_.swap(other.folder_);
    return *this;
  }
  ~SharedMemoryRoom();

  /// Where payloads are to be made: a folder, or "" for memory.
  const std::string& folder() const noexcept { return folder_; }
  /// A payload has been made that is counted itself.
  void use(std::uint64_t bytes) noexcept;

 private:
  std::uint64_t bytes_ = 0;
  std::string folder_;
};

struct SharedMemoryUse {
  std::uint64_t argument_bytes = 0;  ///< of what this process sends; these are limited
  std::uint64_t result_bytes = 0;
  std::uint64_t kept_bytes = 0;     ///< free, for what comes next
  std::uint64_t spilled_bytes = 0;  ///< in files
};
SharedMemoryUse shared_memory_use() noexcept;

}  // namespace prong
