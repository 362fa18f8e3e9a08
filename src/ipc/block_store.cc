#include "ipc/block_store.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "os/available_memory.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

constexpr std::size_t kPage = 4096;

/// Steps of an eighth, so that payloads of nearly the same size can have each other's blocks. What is not written is no
/// memory.
std::size_t capacity_for(std::size_t size) noexcept {
  const std::size_t step = std::max(kPage, std::bit_floor(std::max<std::size_t>(size, 1)) / 8);
  const std::size_t rounded = (size + step - 1) / step * step;
  return rounded < size ? size : rounded;
}

Block create_block(std::size_t size) {
  os::check_available_memory(size);
  const std::size_t capacity = capacity_for(size);
  return {.segment = os::create_memfd("prong-block", capacity), .capacity = capacity};
}

}  // namespace

BlockStore& BlockStore::of_this_process() {
  static BlockStore* store = new BlockStore;  // outlives every payload
  return *store;
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
                    of_this_process().customers_ = 0;
                    of_this_process().mutex_.unlock();
                  });
}

Block BlockStore::take(std::size_t size) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.lower_bound(size);
    if (found != kept_.end() && found->first / 2 <= size) return std::move(kept_.extract(found).mapped().block);
  }
  try {
    return create_block(size);
  } catch (const SystemError&) {
    if (!keeps_any()) throw;
  }
  release_all();
  return create_block(size);
}

void BlockStore::give_back(Block block) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (customers_ == 0) return;
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

bool BlockStore::keeps_any() const noexcept {
  const std::lock_guard lock(mutex_);
  return !kept_.empty();
}

}  // namespace prong::ipc
