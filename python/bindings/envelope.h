// Envelope: how the Python face lays out a call or a result inside a Payload. The engine never looks inside.
//
//   u32 token     function to call (0: none; results)
//   u16 shape     what the pickle holds: see prong/_shapes.py; with kRecord it is no pickle but a record (items.h)
//   u16 buffers   number of out-of-band buffers
//   if buffers > 0:  u64 pickle size, u64 size of each buffer; with bit 63 it is not here: the next attachment is it
//   pickle
//   if buffers > 0:  each buffer that is here, aligned to 64 bytes from the start of the payload
//
// Either process. Native byte order: both sides run on one machine.
#pragma once

#include <cstdint>
#include <vector>

#include "prong/payload.h"

namespace prong::python {

inline constexpr std::uint16_t kRecord = 0x100;

/// An out-of-band buffer: bytes of the envelope, or all bytes of an attachment.
struct EnvelopeBuffer {
  ByteSpan bytes{};
  Payload attachment{};
};

struct Envelope {
  std::uint32_t token = 0;
  std::uint16_t shape = 0;
  ByteSpan pickle;
  std::vector<EnvelopeBuffer> buffers;
};

/// The parts to be joined; keeps what they point to, apart from pickle and buffers.
class EnvelopeParts {
 public:
  explicit EnvelopeParts(const Envelope& envelope);
  EnvelopeParts(const EnvelopeParts&) = delete;
  EnvelopeParts& operator=(const EnvelopeParts&) = delete;
  std::span<const ByteSpan> parts() const noexcept { return {parts_.data(), parts_.size()}; }

 private:
  void add_buffers(const Envelope& envelope);

  std::vector<std::byte> head_;
  std::vector<ByteSpan> parts_;
};

/// Joins an envelope into a payload. `room`: as of Payload::gather().
Payload seal(const Envelope& envelope, SharedMemoryRoom* room = nullptr);

/// Takes a payload apart; the result points into its bytes. Throws Error on bytes that seal() did not make.
Envelope open_envelope(const Payload& payload);
/// The same for one without attachments.
Envelope open_envelope(ByteSpan bytes);

}  // namespace prong::python
