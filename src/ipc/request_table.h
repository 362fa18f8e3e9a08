// RequestTable: what the coordinator knows of the requests in one channel, in private memory. It decides where in the
// arena a request's bytes go; it is never asked what is in shared memory. Coordinator.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "ipc/channel_layout.h"

namespace prong::ipc {

class RequestTable {
 public:
  enum class State : std::uint8_t {
    kUnknown,  ///< never given out, or so long ago that the slot has a later request
    kOpen,     ///< pushed; no result seen
    kRevoked,
    kEnded,  ///< its result was taken
  };

  /// The sequence that the next request gets. The first is 1: a segment of zeros has all slots free.
  std::uint64_t next() const noexcept { return next_; }

  /// Whether the slot of the next request is not in use by an open one.
  bool has_slot() const noexcept { return entry(next_).state != State::kOpen; }

  /// Room for `size` bytes: their offset in the arena; nothing if there is none now. Kept only by add().
  std::optional<std::uint32_t> find_room(std::size_t size) const noexcept;

  /// Gives the next sequence to a request whose bytes are at `offset`.
  std::uint64_t add(std::uint32_t offset, std::size_t size) noexcept;

  State state_of(std::uint64_t sequence) const noexcept;
  void set_revoked(std::uint64_t sequence) noexcept { close(sequence, State::kRevoked); }
  void set_ended(std::uint64_t sequence) noexcept { close(sequence, State::kEnded); }

 private:
  struct Entry {
    std::uint64_t sequence = 0;
    std::uint32_t offset = 0;
    State state = State::kUnknown;
  };

  Entry& entry(std::uint64_t sequence) noexcept { return entries_[sequence % kSlotCount]; }
  const Entry& entry(std::uint64_t sequence) const noexcept { return entries_[sequence % kSlotCount]; }
  void close(std::uint64_t sequence, State state) noexcept;

  std::array<Entry, kSlotCount> entries_{};
  std::uint64_t next_ = 1;
  std::uint64_t oldest_open_ = 1;  ///< == next_ if none is open
  std::uint32_t write_ = 0;        ///< where the arena is written next
};

}  // namespace prong::ipc
