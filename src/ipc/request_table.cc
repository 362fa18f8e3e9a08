#include "ipc/request_table.h"

namespace prong::ipc {

// The bytes in use lie between the offset of the oldest open request and write_, possibly around the end. write_ below
// that offset means "around the end", so room that would make them equal is not given out.
std::optional<std::uint32_t> RequestTable::find_room(std::size_t size) const noexcept {
  const std::uint64_t needed = align_record(size);
  if (oldest_open_ == next_) return 0;  // nothing is in use: begin again where the cache is warm
  const std::uint32_t oldest = entry(oldest_open_).offset;
  if (write_ < oldest) return write_ + needed < oldest ? std::optional(write_) : std::nullopt;
  if (write_ + needed <= kRequestArenaSize) return write_;
  return needed < oldest ? std::optional<std::uint32_t>(0) : std::nullopt;
}

std::uint64_t RequestTable::add(std::uint32_t offset, std::size_t size) noexcept {
  entry(next_) = {next_, offset, State::kOpen};
  write_ = offset + static_cast<std::uint32_t>(align_record(size));
  return next_++;
}

RequestTable::State RequestTable::state_of(std::uint64_t sequence) const noexcept {
  const Entry& found = entry(sequence);
  return sequence != 0 && found.sequence == sequence ? found.state : State::kUnknown;
}

void RequestTable::close(std::uint64_t sequence, State state) noexcept {
  entry(sequence).state = state;
  while (oldest_open_ != next_ && entry(oldest_open_).state != State::kOpen) ++oldest_open_;
}

}  // namespace prong::ipc
