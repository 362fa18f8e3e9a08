// The 64-bit word of a request slot: sequence << 3 | state. The sequence makes every use of a slot distinct, so that a
// compare-and-swap meant for one request never succeeds on a later one in the same slot. Either process.
//
//            try_push                take                    publish
//   free(n-64) ─────> ready(n) ────────────> started(n) ────────────> free(n)
//                        │ try_revoke                                    ∧
//                        └────────────> revoked(n) ──────────────────────┘
//                                                take (passed over)
#pragma once

#include <cstdint>

namespace prong::ipc {

enum class WordState : std::uint64_t { kFree = 0, kReady, kStarted, kRevoked };

constexpr std::uint64_t pack_word(std::uint64_t sequence, WordState state) noexcept {
  return sequence << 3 | static_cast<std::uint64_t>(state);
}

constexpr std::uint64_t sequence_in(std::uint64_t word) noexcept {
  return word >> 3;
}

/// May be none of the named states: the word is shared memory.
constexpr WordState state_in(std::uint64_t word) noexcept {
  return static_cast<WordState>(word & 7);
}

}  // namespace prong::ipc
