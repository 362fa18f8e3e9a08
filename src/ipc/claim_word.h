// The 64-bit word that says which items of a batch are left to the worker: end << 32 | next. The worker claims the item
// `next` by adding one; the coordinator takes unclaimed items away by lowering `end`. As both are in one word, each
// item is either claimed or taken away. The worker's last, vain claim leaves `next` one beyond `end`. Either process.
#pragma once

#include <algorithm>
#include <cstdint>

namespace prong::ipc {

constexpr std::uint64_t pack_claim(std::uint32_t next, std::uint32_t end) noexcept {
  return std::uint64_t{end} << 32 | next;
}

constexpr std::uint32_t end_in(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}

/// The first item that was not claimed, or `end`.
constexpr std::uint32_t next_in(std::uint64_t word) noexcept {
  return std::min(static_cast<std::uint32_t>(word), end_in(word));
}

}  // namespace prong::ipc
