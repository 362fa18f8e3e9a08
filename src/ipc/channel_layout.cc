#include "ipc/channel_layout.h"

#include <cstring>

#include "ipc/crc32c.h"

namespace prong::ipc {
namespace {

constexpr SegmentHeader kHeader{kMagic,
                                kVersion,
                                kSlotCount,
                                sizeof(ChannelLayout),
                                offsetof(ChannelLayout, slots),
                                offsetof(ChannelLayout, request_arena),
                                kRequestArenaSize,
                                offsetof(ChannelLayout, result_ring),
                                kResultRingSize};

template <typename Record>
std::uint32_t crc_of(const Record& record) noexcept {
  return crc32c(std::as_bytes(std::span(&record, 1)).first(offsetof(Record, crc)));
}

}  // namespace

template <typename Record>
void seal(Record& record) noexcept {
  record.crc = crc_of(record);
}

template <typename Record>
bool intact(const Record& record) noexcept {
  return record.crc == crc_of(record);
}

template void seal(RequestRecord&) noexcept;
template void seal(ResultRecord&) noexcept;
template bool intact(const RequestRecord&) noexcept;
template bool intact(const ResultRecord&) noexcept;

void write_header(ChannelLayout& layout) noexcept {
  layout.header = kHeader;
}

bool check_header(const ChannelLayout& layout) noexcept {
  return std::memcmp(&layout.header, &kHeader, sizeof kHeader) == 0;
}

}  // namespace prong::ipc
