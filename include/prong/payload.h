// Payload: immutable bytes that travel between processes.
//
// A payload is copied cheaply (it shares its storage). Small payloads live on the heap; large ones in an anonymous
// shared-memory segment, which crosses to another process as a descriptor and is not copied again.
// Either process. Thread-safe like a shared_ptr: distinct Payload objects may be used from distinct threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

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

class Payload;
class SharedMemoryRoom;

/// Where a payload's bytes are. Implementations differ in who frees them.
class PayloadStorage {
 public:
  virtual ~PayloadStorage() = default;
  /// The bytes; may map them on first use. Throws prong::SystemError when that fails.
  virtual ByteSpan bytes() const = 0;
  virtual std::size_t size() const noexcept = 0;
  /// Copies what there is of the bytes from `offset` on; how many. What lies in a file is read anew and takes no memory
  /// afterwards, as it does after bytes(). Throws prong::SystemError.
  virtual std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
  /// Descriptor of the segment that begins with these bytes; -1: there is none, or this process cannot pass it on.
  virtual int segment_fd() const noexcept { return -1; }
  virtual std::span<const Payload> attachments() const noexcept;
  /// A process that cannot be asked may see the segment still: no other payload may have it afterwards.
  virtual void retire() const noexcept {}
};

class Payload {
 public:
  Payload() = default;
  explicit Payload(std::shared_ptr<const PayloadStorage> storage) : storage_(std::move(storage)) {}

  /// Copies `parts`, joined, to the heap.
  static Payload copy_of(std::span<const ByteSpan> parts);
  static Payload copy_of(ByteSpan bytes) { return copy_of(std::span(&bytes, 1)); }
  static Payload copy_of(std::string_view text) { return copy_of(as_bytes(text)); }

  /// Joins `parts`. From 256 KiB on the bytes go into a segment, below that to the heap.
  /// Throws prong::SystemError when the system refuses the memory.
  /// `room`: what was made for it; null: it is not held back.
  static Payload gather(std::span<const ByteSpan> parts, SharedMemoryRoom* room = nullptr);

  /// The segment that was made of this memory by copy_of_memory(), if it is still there and holds the same bytes; else
  /// an empty payload.
  static Payload known_copy(ByteSpan memory);
  /// These bytes in a segment of their own. Requires at least 256 KiB. `room`: as of gather(). Throws
  /// prong::SystemError when the system refuses the memory.
  static Payload copy_of_memory(ByteSpan memory, SharedMemoryRoom* room = nullptr);

  /// At most so many attachments.
  static constexpr std::size_t kMostAttachments = 15;
  /// The bytes of `main` with `attachments`: other payloads in segments, which travel along and are not copied.
  static Payload with_attachments(Payload main, std::vector<Payload> attachments);
  std::span<const Payload> attachments() const noexcept;

  ByteSpan bytes() const { return storage_ ? storage_->bytes() : ByteSpan{}; }
  std::string_view text() const { return as_text(bytes()); }
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const {
    return storage_ ? storage_->read(offset, into) : 0;
  }
  std::size_t size() const noexcept { return storage_ ? storage_->size() : 0; }
  bool empty() const noexcept { return size() == 0; }
  int segment_fd() const noexcept { return storage_ ? storage_->segment_fd() : -1; }
  const std::shared_ptr<const PayloadStorage>& storage() const noexcept { return storage_; }

 private:
  std::shared_ptr<const PayloadStorage> storage_;
};

inline std::span<const Payload> PayloadStorage::attachments() const noexcept {
  return {};
}
inline std::span<const Payload> Payload::attachments() const noexcept {
  return storage_ ? storage_->attachments() : std::span<const Payload>();
}

}  // namespace prong
