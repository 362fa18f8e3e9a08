// Buffer: the bytes of a Payload as a Python object with the buffer protocol, writable, without a copy.
// It keeps the payload (and so a shared segment) for as long as anything looks at it. Either process; needs the GIL.
#pragma once

#include "envelope.h"
#include "prong/shared_memory.h"
#include "python.h"

namespace prong::python {

void add_buffer_type(nb::module_& module);

/// A memoryview of all bytes of a payload. New reference; throws on failure.
nb::object view_of(const Payload& payload);

/// The Buffer itself.
nb::object buffer_of(const Payload& payload);
/// What a Buffer shows. Throws TypeError.
const Payload& payload_in(nb::handle buffer);

/// What an envelope holds, as Python objects: the pickle (bytes if small, else a memoryview) and a list of memoryviews,
/// or None if there are no buffers.
struct Contents {
  nb::object pickle;
  nb::object buffers;
};
Contents contents_of(const Payload& payload, const Envelope& envelope);

/// Python buffers (of a list of picklable buffers) held while their bytes are copied.
class HeldBuffers {
 public:
  /// `buffers`: None or a sequence. Throws nb::python_error if one is not contiguous.
  explicit HeldBuffers(nb::handle buffers);
  ~HeldBuffers();
  HeldBuffers(const HeldBuffers&) = delete;
  HeldBuffers& operator=(const HeldBuffers&) = delete;

  std::vector<EnvelopeBuffer> buffers() const;
  /// The payload in a segment whose bytes, all of them, one of the buffers shows; empty if it shows something else.
  Payload segment_behind(std::size_t index) const;
  /// The same for a call with such a pickle, large ones as attachments. `room` becomes what the call needs. Without the
  /// GIL if need be. Throws SystemError.
  std::vector<EnvelopeBuffer> attach(std::size_t pickle, SharedMemoryRoom& room) const;
  std::size_t total() const noexcept;

 private:
  std::vector<Py_buffer> views_;
};

/// The bytes of a `bytes` object.
ByteSpan span_of(nb::bytes bytes);

/// Seals a call; large buffers become attachments. Releases the GIL while much is copied.
Payload seal_call(std::uint32_t token, std::uint16_t shape, nb::bytes pickle, nb::handle buffers);
/// Seals what is to be shared, in one piece, within the limit. Throws SystemError.
Payload seal_shared(nb::bytes pickle, nb::handle buffers);
/// Seals a value that is all in one piece: what a call came to has no attachments.
Payload seal_value(nb::bytes pickle, nb::handle buffers);

}  // namespace prong::python
