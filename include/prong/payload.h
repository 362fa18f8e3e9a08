// Payload: immutable bytes that travel between processes.
//
// A payload is copied cheaply. What fits lies in the object itself, so that most jobs need no memory but their own;
// larger ones share their storage: on the heap, or in an anonymous shared-memory segment, which crosses to another
// process as a descriptor and is not copied again.
// Either process. Thread-safe like a shared_ptr: distinct Payload objects may be used from distinct threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
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
  /// So many bytes fit into the object.
  static constexpr std::size_t kInside = 31;

  Payload() noexcept = default;
  explicit Payload(std::shared_ptr<const PayloadStorage> storage) noexcept {
    if (storage) put(std::move(storage));
  }
  Payload(const Payload& other) noexcept { copy(other); }
  Payload(Payload&& other) noexcept { take(other); }
  Payload& operator=(const Payload& other) noexcept {
    if (this != &other) {
      drop();
      copy(other);
    }
    return *this;
  }
  Payload& operator=(Payload&& other) noexcept {
    if (this != &other) {
      drop();
      take(other);
    }
    return *this;
  }
  ~Payload() { drop(); }

  /// Copies `parts`, joined: into the object if they fit, else to the heap.
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

  /// As long as this object is neither changed nor moved: another one with the same bytes may have them elsewhere.
  ByteSpan bytes() const { return is_inside() ? ByteSpan(memory_.data(), size_inside()) : shared()->bytes(); }
  std::string_view text() const { return as_text(bytes()); }
  /// As PayloadStorage::read().
  std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
  std::size_t size() const noexcept { return is_inside() ? size_inside() : shared()->size(); }
  bool empty() const noexcept { return size() == 0; }
  int segment_fd() const noexcept { return is_inside() ? -1 : shared()->segment_fd(); }
  void retire() const noexcept {
    if (!is_inside()) shared()->retire();
  }
  /// Null: the bytes are in the object, or there are none.
  std::shared_ptr<const PayloadStorage> storage() const noexcept { return is_inside() ? nullptr : shared(); }

 private:
  using Shared = std::shared_ptr<const PayloadStorage>;
  static constexpr std::byte kShared{0xff};

  bool is_inside() const noexcept { return memory_[kInside] != kShared; }
  std::size_t size_inside() const noexcept { return std::to_integer<std::size_t>(memory_[kInside]); }
  const Shared& shared() const noexcept { return *std::launder(reinterpret_cast<const Shared*>(memory_.data())); }
  Shared& shared() noexcept { return *std::launder(reinterpret_cast<Shared*>(memory_.data())); }

  // Each of these but drop() requires that there is nothing here.
  void put(Shared storage) noexcept {
    new (memory_.data()) Shared(std::move(storage));
    memory_[kInside] = kShared;
  }
  void copy(const Payload& other) noexcept {
    if (!other.is_inside()) return put(other.shared());
    memory_ = other.memory_;
  }
  void take(Payload& other) noexcept {
    if (other.is_inside()) {
      memory_ = other.memory_;
      other.memory_[kInside] = std::byte{0};
    } else {
      put(std::move(other.shared()));
      other.drop();
    }
  }
  void drop() noexcept {
    if (!is_inside()) shared().~Shared();
    memory_[kInside] = std::byte{0};
  }

  /// A Shared, or bytes; at the end kShared, or how many bytes.
  alignas(Shared) std::array<std::byte, kInside + 1> memory_{};
};
static_assert(sizeof(std::shared_ptr<const PayloadStorage>) <= Payload::kInside);

inline std::span<const Payload> PayloadStorage::attachments() const noexcept {
  return {};
}
inline std::span<const Payload> Payload::attachments() const noexcept {
  return is_inside() ? std::span<const Payload>() : shared()->attachments();
}

}  // namespace prong
