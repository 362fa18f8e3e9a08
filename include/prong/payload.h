// Payload: immutable bytes that travel between processes.
//
// A payload is copied cheaply (it shares its storage). Small payloads live on the heap; large ones in an anonymous
// shared-memory segment, which crosses to another process as a descriptor and is not copied again.
// Either process. Thread-safe like a shared_ptr: distinct Payload objects may be used from distinct threads.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace prong {

using ByteSpan = std::span<const std::byte>;

/// Views text as bytes, without copying.
inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Views bytes as text, without copying.
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::size_t total_size(std::span<const ByteSpan> parts) noexcept {
  std::size_t total = 0;
  for (const ByteSpan part : parts) total += part.size();
  return total;
}

/// Where a payload's bytes are. Implementations differ in who frees them.
class PayloadStorage {
 public:
  virtual ~PayloadStorage() = default;
  /// The bytes; may map them on first use. Throws prong::SystemError when that fails.
  virtual ByteSpan bytes() const = 0;
  virtual std::size_t size() const noexcept = 0;
  /// Descriptor of the segment that holds exactly these bytes from offset 0, or -1 for heap bytes.
  virtual int segment_fd() const noexcept { return -1; }
};

class Payload {
 public:
  Payload() = default;
  explicit Payload(std::shared_ptr<const PayloadStorage> storage) : storage_(std::move(storage)) {}

  /// Copies `bytes` to the heap.
  static Payload copy_of(ByteSpan bytes);
  static Payload copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  /// Joins `parts`. From 256 KiB on the bytes go into a segment, below that to the heap.
  /// Throws prong::SystemError when the system refuses the memory.
  static Payload gather(std::span<const ByteSpan> parts);

  ByteSpan bytes() const { return storage_ ? storage_->bytes() : ByteSpan{}; }
  std::string_view text() const { return as_text(bytes()); }
  std::size_t size() const noexcept { return storage_ ? storage_->size() : 0; }
  bool empty() const noexcept { return size() == 0; }
  int segment_fd() const noexcept { return storage_ ? storage_->segment_fd() : -1; }
  const std::shared_ptr<const PayloadStorage>& storage() const noexcept { return storage_; }

 private:
  std::shared_ptr<const PayloadStorage> storage_;
};

}  // namespace prong
