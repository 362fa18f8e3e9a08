#include "ipc/block_store.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <filesystem>
#include <limits>
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

constexpr std::int64_t kSliceNs = 50'000'000;           ///< of a wait
constexpr std::int64_t kLongestLookNs = 1'000'000'000;  ///< a pool that has not looked then is not waited for

std::array<std::atomic<std::uint64_t>, 4> bytes_in_use{};

std::atomic<std::uint64_t>& count_of(Use use) noexcept {
  return bytes_in_use[static_cast<std::size_t>(use)];
}

/// In bytes, for all arguments of this process.
std::uint64_t allowed(const SharedMemoryLimit& limit) {
  if (limit.bytes != 0) return limit.bytes;
  return (os::available_memory() + count_of(Use::kArguments) + count_of(Use::kKept)) / 2;
}

/// The end of a wait that begins now and may be as long as a number can be.
std::int64_t deadline_of(std::chrono::nanoseconds wait) {
  const std::int64_t now = os::monotonic_now();
  return now + std::min<std::int64_t>(wait.count(), std::numeric_limits<std::int64_t>::max() - now);
}

Block create_block(std::size_t size) {
  os::check_available_memory(size);
  const std::size_t capacity = capacity_for(size);
  return {.segment = os::create_memfd("prong-block", capacity), .capacity = capacity};
}

[[noreturn]] void refuse(std::uint64_t size, int error, std::uint64_t limit) {
  throw SystemError("reserve " + std::to_string(size) + " bytes of shared memory (" +
                        std::to_string(count_of(Use::kArguments)) + " of " + std::to_string(limit) +
                        " bytes are in use)",
                    error);
}

}  // namespace

BlockStore& BlockStore::of_this_process() {
  static BlockStore* store = new BlockStore;  // outlives every payload
  return *store;
}

Reservation::Reservation(Use use, std::uint64_t size) noexcept : use_(use), size_(size) {
  count_of(use) += size;
}

Reservation::~Reservation() {
  if (size_ == 0) return;
  count_of(use_) -= size_;
  if (use_ == Use::kArguments) BlockStore::of_this_process().room_.notify_all();
}

BlockStore::Customer::Customer(std::function<void()> look) : look_(std::move(look)) {
  BlockStore& store = of_this_process();
  const std::lock_guard lock(store.mutex_);
  store.customers_.push_back(this);
}

BlockStore::Customer::~Customer() {
  BlockStore& store = of_this_process();
  KeptBlocks freed;  // after the lock: it takes a while
  const std::lock_guard lock(store.mutex_);
  std::erase(store.customers_, this);
  freed.swap(store.kept_);
  // What this pool leaves is not for others to look after: they say anew what they will look at.
  for (Customer* other : store.customers_) other->keep_until_ = 0;
  store.room_.notify_all();  // nobody needs to wait for its look
}

BlockStore::BlockStore() {
  os::around_fork([] { of_this_process().mutex_.lock(); }, [] { of_this_process().mutex_.unlock(); },
                  [] {
                    BlockStore& store = of_this_process();
                    new (&store.room_) std::condition_variable;  // who waited there is not here
                    store.waiting_ = 0;
                    // Blocks and pools are the parent's, and so is what other threads had.
                    store.kept_.clear();
                    store.copies_.clear();
                    store.customers_.clear();
                    store.mutex_.unlock();
                  });
}

Block BlockStore::take(std::size_t size, Use use, SharedMemoryRoom* room) {
  Block block;
  if (room != nullptr && !room->folder().empty()) {
    use = Use::kFiles;
    block = {.segment = os::create_unnamed_file(room->folder(), size), .capacity = size};
  } else if (std::optional<Block> kept = take_kept(size)) {
    block = std::move(*kept);
  } else {
    try {
      block = create_block(size);
    } catch (const SystemError&) {
      if (!keeps_any()) throw;
      release_all();
      block = create_block(size);
    }
  }
  block.reservation = Reservation(use, size);
  if (room != nullptr) room->use(size);
  return block;
}

void BlockStore::set_limit(SharedMemoryLimit limit) {
  const std::lock_guard lock(mutex_);
  limit_ = std::move(limit);
}

std::string BlockStore::admit(std::uint64_t size) {
  KeptBlocks freed;  // after the lock
  std::unique_lock lock(mutex_);
  const std::int64_t deadline = deadline_of(limit_.wait);
  const std::uint64_t look = looks_asked_ + 1;
  for (;;) {
    const std::uint64_t limit = allowed(limit_);
    const std::uint64_t used = count_of(Use::kArguments);
    if (used + size <= limit) {
      if (used + count_of(Use::kKept) + size > limit) freed.swap(kept_);
      count_of(Use::kArguments) += size;
      return {};
    }
    const std::int64_t left = deadline - os::monotonic_now();
    // What workers have given back shows when their pools look.
    const bool looked = everybody_has_looked(look) || left < -kLongestLookNs;
    if ((left <= 0 && looked) || size > limit) {
      if (limit_.spill_folder.empty()) refuse(size, ENOMEM, limit);
      return limit_.spill_folder;
    }
    wait_for_looks(lock, left > 0 ? std::min(left, kSliceNs) : kSliceNs);
    if (!limit_.interrupted) continue;
    const auto interrupted = limit_.interrupted;
    lock.unlock();
    if (interrupted()) refuse(size, EINTR, limit);
    lock.lock();
  }
}

/// Has all pools look, and waits until something may have come of it.
void BlockStore::wait_for_looks(std::unique_lock<std::mutex>& lock, std::int64_t at_most_ns) {
  ++waiting_;
  ++looks_asked_;
  for (const Customer* customer : customers_) customer->look_();
  room_.wait_for(lock, std::chrono::nanoseconds(at_most_ns));
  --waiting_;
}

bool BlockStore::everybody_has_looked(std::uint64_t asked) const noexcept {
  return std::all_of(customers_.begin(), customers_.end(),
                     [asked](const Customer* customer) { return customer->looked_ >= asked; });
}

void BlockStore::look() {
  std::unique_lock lock(mutex_);
  const std::uint64_t look = looks_asked_ + 1;
  const std::int64_t deadline = os::monotonic_now() + kLongestLookNs;
  while (!everybody_has_looked(look) && os::monotonic_now() < deadline) wait_for_looks(lock, kSliceNs);
}

void BlockStore::Customer::has_looked(std::uint64_t asked) noexcept {
  BlockStore& store = of_this_process();
  const std::lock_guard lock(store.mutex_);
  looked_ = asked;
  store.room_.notify_all();
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
  Block block = std::move(kept_.extract(found).mapped().block);
  block.reservation = Reservation(Use::kArguments, origin.size());
  return block;
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
  const std::int64_t now = os::monotonic_now();
  if (block.reservation.use() == Use::kFiles) return;
  try {
    block.reservation = Reservation(Use::kKept, block.capacity);
    const std::lock_guard lock(mutex_);
    if (!somebody_looks_after(now)) return;  // freed after the lock
    const std::size_t capacity = block.capacity;
    kept_.emplace(capacity, Kept{std::move(block), now});
  } catch (const std::bad_alloc&) {
    // Then it goes back to the system.
  }
}

void BlockStore::Customer::keep_until(std::int64_t time) noexcept {
  const std::lock_guard lock(of_this_process().mutex_);
  keep_until_ = time;
}

bool BlockStore::somebody_looks_after(std::int64_t time) const noexcept {
  return std::any_of(customers_.begin(), customers_.end(),
                     [time](const Customer* customer) { return customer->keep_until_ >= time; });
}

void BlockStore::release_idle(std::int64_t now) noexcept {
  KeptBlocks freed;  // after the lock
  const std::lock_guard lock(mutex_);
  for (auto entry = kept_.begin(); entry != kept_.end();) {
    const auto next = std::next(entry);
    if (now - entry->second.since >= kKeepNs) freed.insert(kept_.extract(entry));
    entry = next;
  }
}

void BlockStore::release_all() noexcept {
  KeptBlocks freed;  // after the lock
  const std::lock_guard lock(mutex_);
  freed.swap(kept_);
}

bool BlockStore::keeps_any() noexcept {
  return count_of(Use::kKept) != 0;
}

bool BlockStore::in_use() noexcept {
  return count_of(Use::kArguments) + count_of(Use::kResults) + count_of(Use::kKept) != 0;
}

}  // namespace prong::ipc

namespace prong {

void limit_shared_memory(SharedMemoryLimit limit) {
  if (limit.wait.count() < 0) throw UsageError("a limit of shared memory: the wait must not be negative");
  if (!limit.spill_folder.empty() && !std::filesystem::is_directory(limit.spill_folder))
    throw UsageError("a limit of shared memory: '" + limit.spill_folder + "' is no folder");
  ipc::BlockStore::of_this_process().set_limit(std::move(limit));
}

SharedMemoryRoom::SharedMemoryRoom(std::uint64_t bytes) {
  if (bytes <= ipc::kUnlimited) return;
  folder_ = ipc::BlockStore::of_this_process().admit(bytes);
  if (folder_.empty()) bytes_ = bytes;
}

SharedMemoryRoom::~SharedMemoryRoom() {
  use(bytes_);
}

void SharedMemoryRoom::use(std::uint64_t bytes) noexcept {
  bytes = std::min(bytes, bytes_);
  bytes_ -= bytes;
  static_cast<void>(ipc::Reservation::of_counted(bytes));
}

SharedMemoryUse shared_memory_use() noexcept {
  return {.argument_bytes = ipc::count_of(ipc::Use::kArguments),
          .result_bytes = ipc::count_of(ipc::Use::kResults),
          .kept_bytes = ipc::count_of(ipc::Use::kKept),
          .spilled_bytes = ipc::count_of(ipc::Use::kFiles)};
}

}  // namespace prong
