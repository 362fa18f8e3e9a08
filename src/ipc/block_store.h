// BlockStore: the memory of large payloads. A segment that nobody uses any more is kept for a moment and used again:
// writing to memory that is there takes half the time of writing to new memory.
//
// One for each process. Thread-safe; a forked child begins with an empty one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "os/fd.h"
#include "os/memory.h"
#include "prong/payload.h"
#include "prong/shared_memory.h"

namespace prong::ipc {

/// What shared memory is used for.
enum class Use : std::uint8_t { kArguments, kResults, kKept, kFiles };

/// A part of what shared memory this process uses, as it is counted.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Use use, std::uint64_t size) noexcept;
  /// Of arguments that were counted before.
  static Reservation of_counted(std::uint64_t size) noexcept {
    Reservation reservation;
    reservation.size_ = size;
    return reservation;
  }
  Reservation(Reservation&& other) noexcept : use_(other.use_), size_(std::exchange(other.size_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(use_, other.use_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Reservation();

  Use use() const noexcept { return use_; }

 private:
  Use use_ = Use::kArguments;
  std::uint64_t size_ = 0;
};

/// A sealed memfd, or a file without a name, for one payload at a time.
struct Block {
  Reservation reservation{};
  os::Fd segment;
  std::size_t capacity = 0;
  std::size_t written = 0;  ///< so many bytes of it, from its start, are memory already
  ByteSpan origin{};        ///< memory of this process that it is a copy of; it may have changed since
  // Of the whole block, if it was mapped, and kept with it: mapping it anew takes as long as copying.
  os::Mapping writing{};  ///< shared
  os::Mapping reading{};  ///< private; set aside, unless somebody looks at the payload
};

class BlockStore {
 public:
  static constexpr std::int64_t kKeepNs = 1'000'000'000;  ///< a free block goes back to the system after this

  /// A pool. Only while there is one are blocks kept.
  class Customer {
   public:
    /// `look`: called when somebody waits for blocks that the pool may have lent and forgotten; must not wait.
    explicit Customer(std::function<void()> look);
    ~Customer();
    Customer(const Customer&) = delete;
    Customer& operator=(const Customer&) = delete;

    /// It will call release_idle() at that time: until then free blocks are kept.
    void keep_until(std::int64_t time) noexcept;
    /// It has looked. `asked`: of looks_asked(), before it did.
    void has_looked(std::uint64_t asked) noexcept;

   private:
    friend class BlockStore;
    std::function<void()> look_;
    std::int64_t keep_until_ = 0;
    std::uint64_t looked_ = 0;  ///< the last look that was asked for and is done
  };

  static BlockStore& of_this_process();

  /// An unused block for `size` bytes: a kept one that is not much larger, or a new one; a file if `room` says so.
  /// Throws SystemError: ENOMEM if the machine or a memory cgroup does not have that much, before anything is reserved.
  Block take(std::size_t size, Use use, SharedMemoryRoom* room = nullptr);
  /// A free block that is a copy of this memory, as it was then.
  std::optional<Block> take_copy_of(ByteSpan origin);
  /// For the next one, if that is expected soon: nobody can see it any more.
  void give_back(Block block) noexcept;

  /// Payloads that are copies of this process's memory, by address and size, while they live.
  void remember_copy(ByteSpan origin, const std::shared_ptr<const PayloadStorage>& copy);
  std::shared_ptr<const PayloadStorage> find_copy(ByteSpan origin) const;
  void forget_copy(ByteSpan origin) noexcept;

  void set_limit(SharedMemoryLimit limit);
  /// Waits until so many bytes of arguments have room, and counts them. A folder: they are to be files there.
  std::string admit(std::uint64_t size);
  /// Waits until every pool has looked which blocks its workers have given back.
  void look();
  bool somebody_waits() const noexcept { return waiting_ > 0; }
  std::uint64_t looks_asked() const noexcept { return looks_asked_; }

  /// Gives free blocks back to the system that nobody has taken for kKeepNs.
  void release_idle(std::int64_t now) noexcept;
  void release_all() noexcept;
  static bool keeps_any() noexcept;
  static bool in_use() noexcept;

 private:
  BlockStore();
  std::optional<Block> take_kept(std::size_t size);
  bool somebody_looks_after(std::int64_t time) const noexcept;
  void wait_for_looks(std::unique_lock<std::mutex>& lock, std::int64_t at_most_ns);
  bool everybody_has_looked(std::uint64_t asked) const noexcept;
  struct Kept {
    Block block;
    std::int64_t since;
  };
  using KeptBlocks = std::multimap<std::size_t, Kept>;  ///< by capacity

  using Place = std::pair<const std::byte*, std::size_t>;
  static Place place_of(ByteSpan origin) noexcept { return {origin.data(), origin.size()}; }

  friend class Reservation;
  mutable std::mutex mutex_;
  std::condition_variable room_;  ///< there may be more
  std::atomic<int> waiting_ = 0;  ///< changed under the mutex, as the next one
  std::atomic<std::uint64_t> looks_asked_ = 0;
  SharedMemoryLimit limit_;
  std::vector<Customer*> customers_;
  KeptBlocks kept_;
  std::map<Place, std::weak_ptr<const PayloadStorage>> copies_;
};

}  // namespace prong::ipc
