// BlockStore: the memory of large payloads. A segment that nobody uses any more is kept for a moment and used again:
// writing to memory that is there takes half the time of writing to new memory.
//
// One for each process; only coordinators take from it. Thread-safe; a forked child begins with an empty one.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "os/fd.h"
#include "prong/payload.h"
#include "prong/shared_memory.h"

namespace prong::ipc {

/// A part of what shared memory this process has, as counted for its limit.
class Reservation {
 public:
  enum class Kind { kNone, kMemory, kFile };

  Reservation() = default;
  Reservation(Kind kind, std::size_t size) noexcept;
  Reservation(Reservation&& other) noexcept
      : kind_(std::exchange(other.kind_, Kind::kNone)), size_(std::exchange(other.size_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Reservation();

  Kind kind() const noexcept { return kind_; }

 private:
  Kind kind_ = Kind::kNone;
  std::size_t size_ = 0;
};

/// A sealed memfd, or a file without a name, for one payload at a time.
struct Block {
  Reservation reservation{};
  os::Fd segment;
  std::size_t capacity = 0;
  std::size_t written = 0;  ///< so many bytes of it, from its start, are memory already
  ByteSpan origin{};        ///< memory of this process that it is a copy of; it may have changed since
};

class BlockStore {
 public:
  static constexpr std::int64_t kKeepNs = 1'000'000'000;  ///< a free block goes back to the system after this

  /// Only while there is one are blocks kept: a pool.
  class Customer {
   public:
    Customer() noexcept;
    ~Customer();
    Customer(const Customer&) = delete;
    Customer& operator=(const Customer&) = delete;
  };

  static BlockStore& of_this_process();

  /// An unused block for `size` bytes: a kept one that is not much larger, or a new one. Throws SystemError: ENOMEM if
  /// the machine or a memory cgroup does not have that much, before anything is reserved.
  Block take(std::size_t size);
  /// The same within the limit of this process: may wait, or give a file. Throws SystemError: ENOMEM beyond the limit,
  /// EINTR.
  Block take_within_limit(std::size_t size);
  void set_limit(SharedMemoryLimit limit);
  /// A free block that is a copy of this memory, as it was then.
  std::optional<Block> take_copy_of(ByteSpan origin);
  /// For the next one: nobody can see it any more.
  void give_back(Block block) noexcept;

  /// Payloads that are copies of this process's memory, by address and size, while they live.
  void remember_copy(ByteSpan origin, const std::shared_ptr<const PayloadStorage>& copy);
  std::shared_ptr<const PayloadStorage> find_copy(ByteSpan origin) const;
  void forget_copy(ByteSpan origin) noexcept;

  /// Gives free blocks back to the system that nobody has taken for kKeepNs.
  void release_idle(std::int64_t now) noexcept;
  void release_all() noexcept;
  bool keeps_any() const noexcept;
  std::uint64_t kept_bytes() const noexcept;

 private:
  BlockStore();
  std::optional<Block> take_kept(std::size_t size);
  Block make_room(std::size_t size);
  Block without_room(std::size_t size, int error) const;
  struct Kept {
    Block block;
    std::int64_t since;
  };

  using Place = std::pair<const std::byte*, std::size_t>;
  static Place place_of(ByteSpan origin) noexcept { return {origin.data(), origin.size()}; }

  friend class Reservation;
  mutable std::mutex mutex_;
  std::condition_variable room_;  ///< there may be more
  SharedMemoryLimit limit_;
  int customers_ = 0;
  std::multimap<std::size_t, Kept> kept_;  ///< by capacity
  std::map<Place, std::weak_ptr<const PayloadStorage>> copies_;
};

}  // namespace prong::ipc
