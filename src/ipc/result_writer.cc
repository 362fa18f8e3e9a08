#include "ipc/result_writer.h"

#include <cstring>

#include "ipc/channel_fault_points.h"
#include "ipc/crc32c.h"

namespace prong::ipc {
namespace {

// Below this offset an empty ring is written on: a skip record for each result would cost a cache line more.
constexpr std::uint64_t kWarmBytes = 16 * 1024;

std::byte* in_ring(ChannelLayout& layout, std::uint64_t position) noexcept {
  return layout.result_ring.data() + position % kResultRingSize;
}

void store(ChannelLayout& layout, ResultRecord& record) noexcept {
  seal(record);
  std::memcpy(in_ring(layout, record.position), &record, sizeof record);
}

}  // namespace

bool ResultWriter::wants_rewind() const noexcept {
  return published_ % kResultRingSize >= kWarmBytes;
}

void ResultWriter::plan(std::size_t size, std::uint64_t taken) noexcept {
  const std::uint64_t length = align_record(sizeof(ResultRecord) + size);
  const std::uint64_t offset = published_ % kResultRingSize;
  const bool rewind = taken == published_ && wants_rewind() && length <= offset;
  skip_from_ = record_start(published_);
  const bool at_start = skip_from_ % kResultRingSize == 0;
  const bool skips = !at_start && (rewind || length > to_ring_end(skip_from_));
  start_ = skips ? skip_from_ + to_ring_end(skip_from_) : skip_from_;
  end_ = start_ + length;
}

std::uint64_t ResultWriter::write(ChannelLayout& layout, ResultRecord& record,
                                  std::span<const ByteSpan> parts) noexcept {
  if (skip_from_ != start_) write_skip(layout);
  std::byte* const payload = in_ring(layout, start_) + sizeof record;
  std::size_t size = 0;
  for (const ByteSpan part : parts) {
    if (!part.empty()) std::memcpy(payload + size, part.data(), part.size());
    size += part.size();
  }
  record.position = start_;
  record.size = static_cast<std::uint32_t>(size);
  record.payload_crc = crc32c(ByteSpan(payload, size));
  store(layout, record);
  published_ = end_;
  return published_;
}

void ResultWriter::write_skip(ChannelLayout& layout) const noexcept {
  PRONG_CHANNEL_FAULT_POINT("write.before_skip");
  ResultRecord record{};
  record.position = skip_from_;
  record.kind = ResultRecord::kSkip;
  record.block_size = start_ - skip_from_;
  store(layout, record);
  PRONG_CHANNEL_FAULT_POINT("write.after_skip");
}

}  // namespace prong::ipc
