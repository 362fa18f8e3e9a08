#include "prong/detail/bytes.h"

#include <algorithm>
#include <string>

#include "prong/job_error.h"
#include "prong/shared_memory.h"

namespace prong::detail {
namespace {

/// From here on a block is worth an entry of its own.
constexpr std::size_t kBlockFrom = 16 * 1024;

}  // namespace

void Bytes::grow(std::size_t more) {
  const std::size_t wanted = std::max(capacity_ * 2, size_ + more);
  auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
  std::memcpy(larger.get(), data_, size_);
  heap_ = std::move(larger);
  data_ = heap_.get();
  capacity_ = wanted;
}

void Bytes::refer(ByteSpan block) {
  if (block.size() < kBlockFrom) {
    append(block.data(), block.size());
  } else {
    blocks_.push_back({.position = size_, .bytes = block});
  }
}

std::span<const ByteSpan> Bytes::parts() {
  whole_ = {data_, size_};
  if (blocks_.empty()) return {&whole_, 1};
  pieces_.clear();
  std::size_t from = 0;
  for (const Block& block : blocks_) {
    pieces_.push_back(whole_.subspan(from, block.position - from));
    pieces_.push_back(block.bytes);
    from = block.position;
  }
  pieces_.push_back(whole_.subspan(from));
  return pieces_;
}

Payload Bytes::payload() {
  const std::span<const ByteSpan> all = parts();
  SharedMemoryRoom room(total_size(all));
  return Payload::gather(all, &room);
}

void throw_too_short(std::size_t wanted, std::size_t there) {
  throw CodecError("the bytes end too early: " + std::to_string(wanted) + " more were to be read, " +
                   std::to_string(there) + " are there; do save and load of each type agree?");
}

void require_all_read(ByteSpan rest) {
  if (rest.empty()) return;
  throw CodecError(std::to_string(rest.size()) + " bytes were not read; do save and load of each type agree?");
}

}  // namespace prong::detail
