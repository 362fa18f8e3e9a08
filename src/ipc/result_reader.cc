#include "ipc/result_reader.h"

#include <cstring>
#include <span>

#include "ipc/crc32c.h"
#include "ipc/frames.h"

namespace prong::ipc {
namespace {

const std::byte* in_ring(const ChannelLayout& layout, std::uint64_t position) noexcept {
  return layout.result_ring.data() + position % kResultRingSize;
}

bool plausible(std::uint64_t taken, std::uint64_t published) noexcept {
  return published >= taken && published - taken <= kResultRingSize && published % kRecordAlignment == 0;
}

}  // namespace

ResultReader::Read ResultReader::look(ChannelLayout& layout) noexcept {
  // acquire: partner of the worker's store; without it the record could be read before it was written.
  const std::uint64_t published = layout.worker.results_published.load(std::memory_order_acquire);
  if (published == taken_) return Read::kEmpty;
  if (!plausible(taken_, published)) return Read::kDamaged;
  position_ = record_start(taken_);
  if (!copy_record(layout, published)) return Read::kDamaged;
  // A skip leads to the start of the ring, where no second one is accepted: at most one is followed.
  if (record_.kind == ResultRecord::kSkip && !(skip(published) && copy_record(layout, published))) {
    return Read::kDamaged;
  }
  return payload_fits(published) ? Read::kRecord : Read::kDamaged;
}

bool ResultReader::copy_record(const ChannelLayout& layout, std::uint64_t published) noexcept {
  if (position_ > published || published - position_ < sizeof record_) return false;
  std::memcpy(&record_, in_ring(layout, position_), sizeof record_);
  return record_.position == position_ && intact(record_);
}

bool ResultReader::skip(std::uint64_t published) noexcept {
  const std::uint64_t distance = to_ring_end(position_);
  if (record_.block_size != distance) return false;
  position_ += distance;
  return position_ < published;  // a skip from the start of the ring would lead beyond it
}

bool ResultReader::payload_fits(std::uint64_t published) const noexcept {
  const std::uint64_t length = sizeof record_ + std::uint64_t{record_.size};
  return record_.kind != ResultRecord::kSkip && record_.size <= kInlineLimit && length <= to_ring_end(position_) &&
         align_record(length) <= published - position_;
}

bool ResultReader::copy_payload(const ChannelLayout& layout, std::string& into) const {
  into.assign(reinterpret_cast<const char*>(in_ring(layout, position_)) + sizeof record_, record_.size);
  return crc32c(std::as_bytes(std::span(into))) == record_.payload_crc;
}

std::uint64_t ResultReader::advance() noexcept {
  taken_ = position_ + align_record(sizeof record_ + std::uint64_t{record_.size});
  return taken_;
}

}  // namespace prong::ipc
