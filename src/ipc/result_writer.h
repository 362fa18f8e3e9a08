// ResultWriter: writes records into the result ring. Worker.
#pragma once

#include <cstdint>
#include <span>

#include "ipc/channel_layout.h"
#include "prong/payload.h"

namespace prong::ipc {

class ResultWriter {
 public:
  /// Where the next record with a payload of `size` bytes will stand and end. `taken`: results_taken, read just now or
  /// earlier. With an empty ring it begins again at the start, where the cache is warm, if the record fits there.
  void plan(std::size_t size, std::uint64_t taken) noexcept;
  /// Whether plan() would begin again at the start if the ring is empty: then it should know that just now.
  bool wants_rewind() const noexcept;
  /// Whether the planned record fits.
  bool has_room(std::uint64_t taken) const noexcept { return end_ - taken <= kResultRingSize; }
  /// The value of results_taken from which on it fits.
  std::uint64_t space_wanted() const noexcept { return end_ - kResultRingSize; }

  /// Writes the planned record (its position, size and crc are set here) and its payload. Nobody sees it before
  /// results_published has the value returned.
  std::uint64_t write(ChannelLayout& layout, ResultRecord& record, std::span<const ByteSpan> parts) noexcept;

  std::uint64_t published() const noexcept { return published_; }

 private:
  void write_skip(ChannelLayout& layout) const noexcept;

  std::uint64_t published_ = 0;
  std::uint64_t skip_from_ = 0;  ///< == start_: no skip record is needed
  std::uint64_t start_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace prong::ipc
