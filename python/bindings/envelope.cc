#include "envelope.h"

#include <array>
#include <cstring>

#include "prong/error.h"

namespace prong::python {
namespace {

constexpr std::size_t kHeadSize = 8;
constexpr std::size_t kAlignment = 64;
constexpr std::uint64_t kAttached = std::uint64_t{1} << 63;
constexpr std::array<std::byte, kAlignment> kPadding{};

std::size_t padding_after(std::size_t size) {
  return (kAlignment - size % kAlignment) % kAlignment;
}

template <typename T>
void put(std::vector<std::byte>& out, T value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

/// Reads values one after another and checks every length before it is used.
class Reader {
 public:
  explicit Reader(ByteSpan bytes) : bytes_(bytes) {}

  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take_bytes(sizeof value).data(), sizeof value);
    return value;
  }

  ByteSpan take_bytes(std::uint64_t size) {
    if (size > bytes_.size() - position_) throw Error("a payload of the Python face is cut short");
    const ByteSpan taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
  }

  ByteSpan take_rest() { return take_bytes(bytes_.size() - position_); }
  void align() { take_bytes(padding_after(position_)); }

 private:
  ByteSpan bytes_;
  std::size_t position_ = 0;
};

Envelope open_envelope(ByteSpan bytes, std::span<const Payload> attachments) {
  Reader reader(bytes);
  Envelope envelope;
  envelope.token = reader.take<std::uint32_t>();
  envelope.shape = reader.take<std::uint16_t>();
  const auto count = reader.take<std::uint16_t>();
  if (count == 0) {
    envelope.pickle = reader.take_rest();
    return envelope;
  }
  const auto pickle_size = reader.take<std::uint64_t>();
  std::vector<std::uint64_t> sizes(count);
  for (auto& size : sizes) size = reader.take<std::uint64_t>();
  envelope.pickle = reader.take_bytes(pickle_size);
  for (const auto size : sizes) {
    if ((size & kAttached) != 0) {
      if (attachments.empty() || attachments.front().size() != (size & ~kAttached))
        throw Error("a payload of the Python face has lost an attachment");
      envelope.buffers.push_back({.attachment = attachments.front()});
      attachments = attachments.subspan(1);
    } else {
      reader.align();
      envelope.buffers.push_back({.bytes = reader.take_bytes(size)});
    }
  }
  return envelope;
}

}  // namespace

EnvelopeParts::EnvelopeParts(const Envelope& envelope) {
  head_.reserve(kHeadSize + (envelope.buffers.empty() ? 0 : 8 * (1 + envelope.buffers.size())));
  put(head_, envelope.token);
  put(head_, envelope.shape);
  put(head_, static_cast<std::uint16_t>(envelope.buffers.size()));
  if (envelope.buffers.empty()) {
    parts_ = {ByteSpan(head_), envelope.pickle};
  } else {
    add_buffers(envelope);
  }
}

void EnvelopeParts::add_buffers(const Envelope& envelope) {
  put(head_, std::uint64_t{envelope.pickle.size()});
  for (const EnvelopeBuffer& buffer : envelope.buffers)
    put(head_, buffer.attachment.empty() ? std::uint64_t{buffer.bytes.size()} : buffer.attachment.size() | kAttached);
  parts_ = {ByteSpan(head_), envelope.pickle};
  std::size_t size = head_.size() + envelope.pickle.size();
  for (const EnvelopeBuffer& buffer : envelope.buffers) {
    if (!buffer.attachment.empty()) continue;
    const std::size_t padding = padding_after(size);
    parts_.emplace_back(kPadding.data(), padding);
    parts_.push_back(buffer.bytes);
    size += padding + buffer.bytes.size();
  }
}

Payload seal(const Envelope& envelope, SharedMemoryRoom* room) {
  std::vector<Payload> attachments;
  for (const EnvelopeBuffer& buffer : envelope.buffers)
    if (!buffer.attachment.empty()) attachments.push_back(buffer.attachment);
  return Payload::with_attachments(Payload::gather(EnvelopeParts(envelope).parts(), room), std::move(attachments));
}

Envelope open_envelope(ByteSpan bytes) {
  return open_envelope(bytes, {});
}

Envelope open_envelope(const Payload& payload) {
  return open_envelope(payload.bytes(), payload.attachments());
}

}  // namespace prong::python
