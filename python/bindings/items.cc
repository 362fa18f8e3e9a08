#include "items.h"

#include <cstring>

#include "prong/error.h"

namespace prong::python {
namespace {

constexpr int kDeepest = 8;
constexpr Py_ssize_t kLongest = 32 * 1024;  ///< of texts and bytes: larger ones are not copied into a record
constexpr std::size_t kEnvelopeAt = 64;

}  // namespace

bool ItemWriter::add(PyObject* value, int depth) {
  if (value == Py_None) return tag(Tag::kNone), true;
  if (value == Py_True) return tag(Tag::kTrue), true;
  if (value == Py_False) return tag(Tag::kFalse), true;
  if (PyLong_CheckExact(value)) return add_whole(value);
  if (PyFloat_CheckExact(value)) return tag(Tag::kReal), raw(PyFloat_AS_DOUBLE(value)), true;
  if (PyUnicode_CheckExact(value)) {
    if (!PyUnicode_IS_COMPACT_ASCII(value) || PyUnicode_GET_LENGTH(value) > kLongest) return false;
    const auto* data = static_cast<const std::byte*>(PyUnicode_DATA(value));
    return add_sized(Tag::kText, {data, static_cast<std::size_t>(PyUnicode_GET_LENGTH(value))}), true;
  }
  if (PyBytes_CheckExact(value)) {
    if (PyBytes_GET_SIZE(value) > kLongest) return false;
    const auto* data = reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(value));
    return add_sized(Tag::kBytes, {data, static_cast<std::size_t>(PyBytes_GET_SIZE(value))}), true;
  }
  return PyTuple_CheckExact(value) && add_tuple(value, depth);
}

bool ItemWriter::add_whole(PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow != 0) return false;
  if (number >= INT8_MIN && number <= INT8_MAX) {
    tag(Tag::kSmall);
    raw(static_cast<std::int8_t>(number));
  } else {
    tag(Tag::kWhole);
    raw(static_cast<std::int64_t>(number));
  }
  return true;
}

bool ItemWriter::add_tuple(PyObject* value, int depth) {
  const Py_ssize_t count = PyTuple_GET_SIZE(value);
  if (count > UINT8_MAX || depth == kDeepest) return false;
  const std::size_t begin = out_.size();
  tag(Tag::kTuple);
  raw(static_cast<std::uint8_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (add(PyTuple_GET_ITEM(value, i), depth + 1)) continue;
    out_.resize(begin);
    return false;
  }
  return true;
}

void ItemWriter::add_sized(Tag kind, ByteSpan bytes) {
  tag(kind);
  raw(static_cast<std::uint32_t>(bytes.size()));
  out_.append(as_text(bytes));
}

bool ItemWriter::add_head_of_bytes(PyObject* value) {
  if (!PyBytes_CheckExact(value) || PyBytes_GET_SIZE(value) > Py_ssize_t{UINT32_MAX}) return false;
  tag(Tag::kBytes);
  raw(static_cast<std::uint32_t>(PyBytes_GET_SIZE(value)));
  return true;
}

void ItemWriter::add_envelope_head(std::uint64_t size) {
  const std::size_t begin = out_.size();
  tag(Tag::kEnvelope);
  out_.append(7, '\0');
  raw(size);
  out_.resize(begin + kEnvelopeAt, '\0');
}

ByteSpan ItemReader::raw_bytes(std::uint64_t size) {
  if (size > bytes_.size() - at_) throw Error("a batch is cut short");
  const ByteSpan taken = bytes_.subspan(at_, size);
  at_ += size;
  return taken;
}

template <typename T>
T ItemReader::raw() {
  T value;
  std::memcpy(&value, raw_bytes(sizeof value).data(), sizeof value);
  return value;
}

ItemReader::Tag ItemReader::peek() const {
  if (at_end()) throw Error("a batch is cut short");
  return static_cast<Tag>(bytes_[at_]);
}

bool ItemReader::at_value() const {
  return peek() < Tag::kEnvelope;
}

void ItemReader::skip() {
  switch (static_cast<Tag>(raw<std::uint8_t>())) {
    case Tag::kNone:
    case Tag::kTrue:
    case Tag::kFalse:
      return;
    case Tag::kSmall:
      raw_bytes(sizeof(std::int8_t));
      return;
    case Tag::kWhole:
    case Tag::kReal:
      raw_bytes(sizeof(std::int64_t));
      return;
    case Tag::kText:
    case Tag::kBytes:
    case Tag::kPickle:
    case Tag::kRaised:
      raw_bytes(raw<std::uint32_t>());
      return;
    case Tag::kTuple:
      for (int left = raw<std::uint8_t>(); left > 0; --left) skip();
      return;
    case Tag::kEnvelope:
      --at_;
      take_envelope();
      return;
  }
  throw Error("a batch has a record of unknown kind");
}

nb::object ItemReader::take(nb::handle loads) {
  const std::size_t begin = at_;
  try {
    return take_here(loads);
  } catch (nb::python_error&) {
    at_ = begin;  // it may stand inside a tuple
    skip();
    throw;
  }
}

nb::object ItemReader::take_here(nb::handle loads) {
  switch (static_cast<Tag>(raw<std::uint8_t>())) {
    case Tag::kNone:
      return nb::none();
    case Tag::kTrue:
      return nb::borrow(Py_True);
    case Tag::kFalse:
      return nb::borrow(Py_False);
    case Tag::kSmall:
      return owned(PyLong_FromLong(raw<std::int8_t>()));
    case Tag::kWhole:
      return owned(PyLong_FromLongLong(raw<std::int64_t>()));
    case Tag::kReal:
      return owned(PyFloat_FromDouble(raw<double>()));
    case Tag::kText: {
      const ByteSpan text = raw_bytes(raw<std::uint32_t>());
      return owned(PyUnicode_DecodeASCII(as_text(text).data(), static_cast<Py_ssize_t>(text.size()), nullptr));
    }
    case Tag::kBytes: {
      const ByteSpan bytes = raw_bytes(raw<std::uint32_t>());
      return nb::bytes(bytes.data(), bytes.size());
    }
    case Tag::kPickle: {
      const ByteSpan pickle = raw_bytes(raw<std::uint32_t>());
      return owned(PyObject_CallOneArg(loads.ptr(), nb::bytes(pickle.data(), pickle.size()).ptr()));
    }
    case Tag::kTuple:
      return take_tuple(loads);
    case Tag::kEnvelope:
    case Tag::kRaised:
      break;
  }
  throw Error("a batch has a record of unknown kind");
}

nb::object ItemReader::take_tuple(nb::handle loads) {
  const int count = raw<std::uint8_t>();
  nb::object tuple = owned(PyTuple_New(count));
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple.ptr(), i, take_here(loads).release().ptr());
  return tuple;
}

std::optional<ByteSpan> ItemReader::take_if(Tag tag) {
  if (peek() != tag) return std::nullopt;
  ++at_;
  return raw_bytes(raw<std::uint32_t>());
}

std::optional<ByteSpan> ItemReader::take_envelope() {
  if (peek() != Tag::kEnvelope) return std::nullopt;
  raw_bytes(8);
  const auto size = raw<std::uint64_t>();
  raw_bytes(kEnvelopeAt - 16);
  return raw_bytes(size);
}

}  // namespace prong::python
