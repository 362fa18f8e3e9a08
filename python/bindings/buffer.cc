#include "buffer.h"

#include <new>

namespace prong::python {
namespace {

// Below this the pickle is copied into a bytes object, which is quicker than a memoryview.
constexpr std::size_t kCopyBelow = 16 * 1024;
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

nb::object slice(const nb::object& view, ByteSpan all, ByteSpan part) {
  const auto start = part.data() - all.data();
  return view[nb::slice(nb::int_(start), nb::int_(start + static_cast<std::ptrdiff_t>(part.size())), nb::none())];
}

}  // namespace

void add_buffer_type(nb::module_& module) {
  nb::object type = owned(PyType_FromSpec(&spec));
  buffer_type = reinterpret_cast<PyTypeObject*>(type.ptr());
  module.attr("Buffer") = type;
}

nb::object view_of(const Payload& payload) {
  nb::object buffer = owned(buffer_type->tp_alloc(buffer_type, 0));
  new (&reinterpret_cast<BufferObject*>(buffer.ptr())->payload) Payload(payload);
  return owned(PyMemoryView_FromObject(buffer.ptr()));
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
  for (const ByteSpan buffer : envelope.buffers) buffers.append(slice(view, all, buffer));
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

std::vector<ByteSpan> HeldBuffers::spans() const {
  std::vector<ByteSpan> spans;
  spans.reserve(views_.size());
  for (const auto& view : views_) {
    spans.emplace_back(static_cast<const std::byte*>(view.buf), static_cast<std::size_t>(view.len));
  }
  return spans;
}

std::size_t HeldBuffers::total() const noexcept {
  std::size_t total = 0;
  for (const auto& view : views_) total += static_cast<std::size_t>(view.len);
  return total;
}

ByteSpan span_of(nb::bytes bytes) {
  return {reinterpret_cast<const std::byte*>(bytes.c_str()), bytes.size()};
}

Payload seal_python(std::uint32_t token, std::uint16_t shape, nb::bytes pickle, nb::handle buffers) {
  const HeldBuffers held(buffers);
  const Envelope envelope{token, shape, span_of(pickle), held.spans()};
  if (held.total() + pickle.size() < kReleaseFrom) return seal(envelope);
  nb::gil_scoped_release release;
  return seal(envelope);
}

}  // namespace prong::python
