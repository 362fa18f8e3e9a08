#include "ipc/block_store.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <new>
#include <string>
#include <utility>

#include "os/available_memory.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kUnlimited = 1024 * 1024;  ///< smaller ones are not held back

/// Steps of an eighth, so that payloads of nearly the same size can have each other's blocks. What is not written is no
/// memory.
std::size_t capacity_for(std::size_t size) noexcept {
  const std::size_t step = std::max(kPage, std::bit_floor(std::max<std::size_t>(size, 1)) / 8);
  const std::size_t rounded = (size + step - 1) / step * step;
  return rounded < size ? size : rounded;
}

constexpr std::int64_t kSliceNs = 50'000'000;  ///< of a wait

std::atomic<std::uint64_t> memory_bytes = 0;
std::atomic<std::uint64_t> file_bytes = 0;

std::atomic<std::uint64_t>& count_of(Reservation::Kind kind) noexcept {
  return kind == Reservation::Kind::kFile ? file_bytes : memory_bytes;
}

Block create_block(std::size_t size) {
  os::check_available_memory(size);
  const std::size_t capacity = capacity_for(size);
  return {.reservation = {Reservation::Kind::kMemory, capacity},
          .segment = os::create_memfd("prong-block", capacity),
          .capacity = capacity};
}

/// In bytes, for all payloads of this process.
std::uint64_t allowed(const SharedMemoryLimit& limit) {
  return limit.bytes != 0 ? limit.bytes : os::available_memory() / 2 + memory_bytes / 2;
}

}  // namespace

BlockStore& BlockStore::of_this_process() {
  static BlockStore* store = new BlockStore;  // outlives every payload
  return *store;
}

Reservation::Reservation(Kind kind, std::size_t size) noexcept : kind_(kind), size_(size) {
  count_of(kind) += size;
}

Reservation::~Reservation() {
  if (kind_ == Kind::kNone) return;
  count_of(kind_) -= size_;
  BlockStore::of_this_process().room_.notify_all();
}

BlockStore::Customer::Customer() noexcept {
  BlockStore& store = of_this_process();
  const std::lock_guard lock(store.mutex_);
  ++store.customers_;
}

BlockStore::Customer::~Customer() {
  BlockStore& store = of_this_process();
  const std::lock_guard lock(store.mutex_);
  if (--store.customers_ == 0) store.kept_.clear();
}

BlockStore::BlockStore() {
  os::around_fork([] { of_this_process().mutex_.lock(); }, [] { of_this_process().mutex_.unlock(); },
                  [] {
                    // Blocks and pools are the parent's.
                    of_this_process().kept_.clear();
                    of_this_process().copies_.clear();
                    of_this_process().customers_ = 0;
                    of_this_process().mutex_.unlock();
                  });
}

Block BlockStore::take(std::size_t size) {
  if (std::optional<Block> kept = take_kept(size)) return std::move(*kept);
  try {
    return create_block(size);
  } catch (const SystemError&) {
    if (!keeps_any()) throw;
  }
  release_all();
  return create_block(size);
}

void BlockStore::set_limit(SharedMemoryLimit limit) {
  const std::lock_guard lock(mutex_);
  limit_ = std::move(limit);
}

Block BlockStore::take_within_limit(std::size_t size) {
  if (std::optional<Block> kept = take_kept(size)) return std::move(*kept);
  return make_room(size);
}

Block BlockStore::make_room(std::size_t size) {
  const std::size_t capacity = capacity_for(size);
  std::unique_lock lock(mutex_);
  const std::int64_t deadline = os::monotonic_now() + limit_.wait.count();
  for (;;) {
    if (size <= kUnlimited || memory_bytes + capacity <= allowed(limit_)) break;
    if (!kept_.empty()) {
      kept_.clear();
      continue;
    }
    const std::int64_t left = deadline - os::monotonic_now();
    if (left <= 0 || capacity > allowed(limit_)) return without_room(size, ENOMEM);
    room_.wait_for(lock, std::chrono::nanoseconds(std::min(left, kSliceNs)));
    if (!limit_.interrupted) continue;
    const auto interrupted = limit_.interrupted;
    lock.unlock();
    if (interrupted()) return without_room(size, EINTR);
    lock.lock();
  }
  lock.unlock();
  return take(size);
}

Block BlockStore::without_room(std::size_t size, int error) const {
  if (error != EINTR && !limit_.spill_folder.empty()) {
    return {.reservation = {Reservation::Kind::kFile, size},
            .segment = os::create_unnamed_file(limit_.spill_folder, size),
            .capacity = size};
  }
  throw SystemError("reserve " + std::to_string(size) + " bytes of shared memory (" + std::to_string(memory_bytes) +
                        " of " + std::to_string(allowed(limit_)) + " bytes are in use)",
                    error);
}

/// Not one of which most would be wasted. The last choice is what may be asked for again as it is.
std::optional<Block> BlockStore::take_kept(std::size_t size) {
  const std::lock_guard lock(mutex_);
  auto best = kept_.end();
  for (auto entry = kept_.lower_bound(size); entry != kept_.end() && entry->first / 2 <= size; ++entry) {
    const bool blank = entry->second.block.origin.empty();
    if (best == kept_.end() || blank) best = entry;
    if (blank) break;
  }
  if (best == kept_.end()) return std::nullopt;
  Block block = std::move(kept_.extract(best).mapped().block);
  block.origin = {};
  return block;
}

std::optional<Block> BlockStore::take_copy_of(ByteSpan origin) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) {
    return place_of(entry.second.block.origin) == place_of(origin);
  });
  if (found == kept_.end()) return std::nullopt;
  return std::move(kept_.extract(found).mapped().block);
}

void BlockStore::remember_copy(ByteSpan origin, const std::shared_ptr<const PayloadStorage>& copy) {
  const std::lock_guard lock(mutex_);
  copies_[place_of(origin)] = copy;
  for (auto& entry : kept_) {  // older ones
    Block& block = entry.second.block;
    if (place_of(block.origin) == place_of(origin)) block.origin = {};
  }
}

std::shared_ptr<const PayloadStorage> BlockStore::find_copy(ByteSpan origin) const {
  const std::lock_guard lock(mutex_);
  const auto found = copies_.find(place_of(origin));
  return found == copies_.end() ? nullptr : found->second.lock();
}

void BlockStore::forget_copy(ByteSpan origin) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = copies_.find(place_of(origin));
  // Another copy of the same place may have been made meanwhile.
  if (found != copies_.end() && found->second.expired()) copies_.erase(found);
}

void BlockStore::give_back(Block block) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (customers_ == 0 || block.reservation.kind() != Reservation::Kind::kMemory) return;
    const std::size_t capacity = block.capacity;
    kept_.emplace(capacity, Kept{std::move(block), os::monotonic_now()});
  } catch (const std::bad_alloc&) {
    // Then it goes back to the system.
  }
}

void BlockStore::release_idle(std::int64_t now) noexcept {
  const std::lock_guard lock(mutex_);
  std::erase_if(kept_, [now](const auto& entry) { return now - entry.second.since >= kKeepNs; });
}

void BlockStore::release_all() noexcept {
  const std::lock_guard lock(mutex_);
  kept_.clear();
}

std::uint64_t BlockStore::kept_bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& entry : kept_) bytes += entry.first;
  return bytes;
}

bool BlockStore::keeps_any() const noexcept {
  const std::lock_guard lock(mutex_);
  return !kept_.empty();
}

}  // namespace prong::ipc

namespace prong {

void limit_shared_memory(SharedMemoryLimit limit) {
  if (limit.wait.count() < 0) throw UsageError("a limit of shared memory: the wait must not be negative");
  if (!limit.spill_folder.empty() && !std::filesystem::is_directory(limit.spill_folder))
    throw UsageError("a limit of shared memory: '" + limit.spill_folder + "' is no folder");
  ipc::BlockStore::of_this_process().set_limit(std::move(limit));
}

SharedMemoryUse shared_memory_use() noexcept {
  return {.bytes = ipc::memory_bytes,
          .kept_bytes = ipc::BlockStore::of_this_process().kept_bytes(),
          .spilled_bytes = ipc::file_bytes};
}

}  // namespace prong
