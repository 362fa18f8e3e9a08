// Bytes: an encoding in the making. Few bytes stay on the stack; large blocks of the caller are not copied, only named.
// Part of the C++ face; programs do not use it. Either process; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "prong/payload.h"

namespace prong::detail {

class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  void append(const void* data, std::size_t size) {
    if (size > capacity_ - size_) grow(size);
    if (size != 0) std::memcpy(data_ + size_, data, size);
    size_ += size;
  }

  /// As append(); a large block is only referred to and must live until parts() or payload() were used.
  void refer(ByteSpan block);

  /// The pieces in order. Valid until the next change.
  std::span<const ByteSpan> parts();
  /// Everything joined.
  Payload payload();

 private:
  struct Block {
    std::size_t position;  ///< how many of the own bytes come before it
    ByteSpan bytes;
  };
  static constexpr std::size_t kOnStack = 256;

  void grow(std::size_t more);

  std::array<std::byte, kOnStack> stack_;
  std::unique_ptr<std::byte[]> heap_;
  std::byte* data_ = stack_.data();
  std::size_t size_ = 0;
  std::size_t capacity_ = kOnStack;
  std::vector<Block> blocks_;
  std::vector<ByteSpan> pieces_;
  ByteSpan whole_;
};

[[noreturn]] void throw_too_short(std::size_t wanted, std::size_t there);

/// Moves the next `size` bytes of `rest` to `data`. Throws CodecError if there are fewer.
inline void take(ByteSpan& rest, void* data, std::size_t size) {
  if (rest.size() < size) throw_too_short(size, rest.size());
  if (size != 0) std::memcpy(data, rest.data(), size);
  rest = rest.subspan(size);
}

/// Throws CodecError unless `rest` is empty.
void require_all_read(ByteSpan rest);

}  // namespace prong::detail
