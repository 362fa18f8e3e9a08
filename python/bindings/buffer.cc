#include "buffer.h"

#include <new>

namespace prong::python {
namespace {

// Below this the pickle is copied into a bytes object, which is quicker than a memoryview.
constexpr std::size_t kCopyBelow = 16 * 1024;
// From here on a buffer gets a segment of its own; so many of a job, since each has a descriptor open.
constexpr std::size_t kAttachFrom = 1024 * 1024;
constexpr std::size_t kMostCopied = 4;
constexpr std::size_t kSmallestSegment = 256 * 1024;  // of Payload::gather()
// From here on the GIL is released while bytes are copied.
constexpr std::size_t kReleaseFrom = 1024 * 1024;

struct BufferObject {
  PyObject_HEAD Payload payload;
};

PyTypeObject* buffer_type = nullptr;

int get_buffer(PyObject* self, Py_buffer* view, int flags) {
  try {
    const ByteSpan bytes = reinterpret_cast<BufferObject*>(self)->payload.bytes();
    // The bytes are private to this process (heap, or mapped copy-on-write), so their reader may write.
    auto* data = const_cast<std::byte*>(bytes.data());
    return PyBuffer_FillInfo(view, self, data, static_cast<Py_ssize_t>(bytes.size()), 0, flags);
  } catch (const std::exception& error) {
    view->obj = nullptr;
    PyErr_SetString(PyExc_BufferError, error.what());
    return -1;
  }
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  reinterpret_cast<BufferObject*>(self)->payload.~Payload();
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Bytes of a payload, writable, without a copy.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {0, nullptr},
};
PyType_Spec spec = {"prong._core.Buffer", sizeof(BufferObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

/// Whether it gets a segment of its own, shared by all that is made of the same memory.
bool is_worth_a_segment(ByteSpan bytes) noexcept {
  return bytes.size() >= kAttachFrom;
}

/// New reference to a Buffer, or None.
nb::object hold(nb::handle buffer, bool may_copy) {
  const HeldBuffers held(nb::make_tuple(buffer));
  Payload payload = held.segment_behind(0);
  const ByteSpan bytes = held.buffers().front().bytes;
  if (payload.empty() && is_worth_a_segment(bytes)) {
    const nb::gil_scoped_release release;
    payload = Payload::known_copy(bytes);
    if (payload.empty() && may_copy) {
      SharedMemoryRoom room(bytes.size());
      payload = Payload::copy_of_memory(bytes, &room);
    }
  }
  return payload.empty() ? nb::none() : buffer_of(payload);
}

nb::object slice(const nb::object& view, ByteSpan all, ByteSpan part) {
  const auto start = part.data() - all.data();
  return view[nb::slice(nb::int_(start), nb::int_(start + static_cast<std::ptrdiff_t>(part.size())), nb::none())];
}

}  // namespace

nb::object buffer_of(const Payload& payload) {
  nb::object buffer = owned(buffer_type->tp_alloc(buffer_type, 0));
  new (&reinterpret_cast<BufferObject*>(buffer.ptr())->payload) Payload(payload);
  return buffer;
}

const Payload& payload_in(nb::handle buffer) {
  if (Py_TYPE(buffer.ptr()) != buffer_type) throw nb::type_error("a prong._core.Buffer is expected");
  return reinterpret_cast<BufferObject*>(buffer.ptr())->payload;
}

void add_buffer_type(nb::module_& module) {
  nb::object type = owned(PyType_FromSpec(&spec));
  buffer_type = reinterpret_cast<PyTypeObject*>(type.ptr());
  module.attr("Buffer") = type;
  module.def(
      "seal_buffer", [](nb::bytes pickle, nb::handle buffers) { return buffer_of(seal_shared(pickle, buffers)); },
      "pickle"_a, "buffers"_a.none(), "A Buffer with a pickle and its out-of-band buffers, in one piece.");
  module.def(
      "open_buffer",
      [](nb::handle buffer) {
        const Payload& payload = payload_in(buffer);
        const Contents contents = contents_of(payload, open_envelope(payload));
        return nb::make_tuple(contents.pickle, contents.buffers);
      },
      "buffer"_a, "The pickle and the buffers (or None) of what seal_buffer() has made.");
  module.def(
      "hold", &hold, "buffer"_a, "may_copy"_a,
      "A Buffer with its bytes in a segment: itself, or a copy that is made once; None if that is not worth it.");
  module.def(
      "identity_of",
      [](nb::handle buffer) {
        const Payload& payload = payload_in(buffer);
        const void* shared = payload.storage().get();
        return reinterpret_cast<std::uintptr_t>(shared != nullptr ? shared : &payload);
      },
      "buffer"_a, "Equal for Buffers of the same memory, while one of them lives.");
  module.def(
      "buffer_of", [](nb::bytes bytes) { return buffer_of(Payload::copy_of(span_of(bytes))); }, "bytes"_a,
      "A Buffer with a copy of these bytes.");
}

nb::object view_of(const Payload& payload) {
  return owned(PyMemoryView_FromObject(buffer_of(payload).ptr()));
}

Contents contents_of(const Payload& payload, const Envelope& envelope) {
  const ByteSpan pickle = envelope.pickle;
  if (envelope.buffers.empty() && pickle.size() < kCopyBelow) {
    return {nb::bytes(pickle.data(), pickle.size()), nb::none()};
  }
  const nb::object view = view_of(payload);
  const ByteSpan all = payload.bytes();
  Contents contents{slice(view, all, pickle), nb::none()};
  if (envelope.buffers.empty()) return contents;
  nb::list buffers;
  for (const EnvelopeBuffer& buffer : envelope.buffers)
    buffers.append(buffer.attachment.empty() ? slice(view, all, buffer.bytes) : view_of(buffer.attachment));
  contents.buffers = buffers;
  return contents;
}

HeldBuffers::HeldBuffers(nb::handle buffers) {
  if (buffers.is_none()) return;
  views_.reserve(nb::len(buffers));
  for (const nb::handle buffer : buffers) {
    Py_buffer view;
    if (PyObject_GetBuffer(buffer.ptr(), &view, PyBUF_ANY_CONTIGUOUS) != 0) {
      for (auto& held : views_) PyBuffer_Release(&held);
      throw nb::python_error();
    }
    views_.push_back(view);
  }
}

HeldBuffers::~HeldBuffers() {
  for (auto& view : views_) PyBuffer_Release(&view);
}

std::vector<EnvelopeBuffer> HeldBuffers::buffers() const {
  std::vector<EnvelopeBuffer> buffers;
  buffers.reserve(views_.size());
  for (const auto& view : views_) {
    buffers.push_back({.bytes = {static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len)}});
  }
  return buffers;
}

Payload HeldBuffers::segment_behind(std::size_t index) const {
  const Py_buffer& view = views_[index];
  if (view.obj == nullptr || Py_TYPE(view.obj) != buffer_type) return {};
  const Payload& payload = reinterpret_cast<BufferObject*>(view.obj)->payload;
  return payload.segment_fd() >= 0 && static_cast<std::size_t>(view.len) == payload.size() ? payload : Payload();
}

std::vector<EnvelopeBuffer> HeldBuffers::attach(std::size_t pickle, SharedMemoryRoom& room) const {
  std::vector<EnvelopeBuffer> buffers = this->buffers();
  std::vector<EnvelopeBuffer*> to_copy;
  std::size_t attached = 0;
  std::size_t needed = 0;
  std::size_t joined = pickle;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EnvelopeBuffer& buffer = buffers[i];
    const bool is_large = is_worth_a_segment(buffer.bytes);
    if (attached < Payload::kMostAttachments) {
      buffer.attachment = segment_behind(i);
      if (buffer.attachment.empty() && is_large) buffer.attachment = Payload::known_copy(buffer.bytes);
    }
    if (!buffer.attachment.empty()) {
      ++attached;
    } else if (is_large && attached < Payload::kMostAttachments && to_copy.size() < kMostCopied) {
      ++attached;
      to_copy.push_back(&buffer);
      needed += buffer.bytes.size();
    } else {
      joined += buffer.bytes.size();
    }
  }
  // For all of it at once: who waits holds nothing that others wait for.
  room = SharedMemoryRoom(joined < kSmallestSegment ? needed : needed + joined);
  for (EnvelopeBuffer* buffer : to_copy) buffer->attachment = Payload::copy_of_memory(buffer->bytes, &room);
  return buffers;
}

std::size_t HeldBuffers::total() const noexcept {
  std::size_t total = 0;
  for (const auto& view : views_) total += static_cast<std::size_t>(view.len);
  return total;
}

ByteSpan span_of(nb::bytes bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.c_str()), bytes.size()};
}

Payload seal_call(std::uint32_t token, std::uint16_t shape, nb::bytes pickle, nb::handle buffers) {
  const HeldBuffers held(buffers);
  SharedMemoryRoom room;
  const auto sealed = [&] { return seal({token, shape, span_of(pickle), held.attach(pickle.size(), room)}, &room); };
  if (held.total() + pickle.size() < kReleaseFrom) return sealed();
  const nb::gil_scoped_release release;
  return sealed();
}

Payload seal_value(nb::bytes pickle, nb::handle buffers) {
  const HeldBuffers held(buffers);
  return seal({0, 0, span_of(pickle), held.buffers()});
}

Payload seal_shared(nb::bytes pickle, nb::handle buffers) {
  const HeldBuffers held(buffers);
  const nb::gil_scoped_release release;
  SharedMemoryRoom room(held.total() + pickle.size());
  return seal({0, 0, span_of(pickle), held.buffers()}, &room);
}

}  // namespace prong::python
