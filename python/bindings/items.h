// Items: how the Python face lays out the calls, and the results, of a batch: records, one after another.
//
//   u8 tag   none, true, false                nothing more
//            small, whole, real               i8, i64, f64
//            text, bytes, pickle              u32 size, then so many bytes; text is ASCII
//            tuple                            u8 count, then so many records of the kinds above
//            envelope                         zeros up to byte 8, u64 size, zeros up to byte 64, an Envelope
//            raised                           u32 size, then the pickle of what prong._worker.Runner.failed() returns
//
// The commonest immutable values have a form of their own, which costs a few nanoseconds; all else is pickled.
// Either process; needs the GIL. The engine never looks inside.
#pragma once

#include <optional>
#include <string>

#include "prong/payload.h"
#include "python.h"

namespace prong::python {

class ItemWriter {
 public:
  /// False, and nothing is written, if the value is none of those that have a form of their own.
  bool add(PyObject* value) { return add(value, 0); }
  void add_pickle(ByteSpan pickle) { add_sized(Tag::kPickle, pickle); }
  void add_raised(ByteSpan raised) { add_sized(Tag::kRaised, raised); }
  /// The head of a record of `bytes`, which are to follow; false, and nothing is written, if the value is none.
  bool add_head_of_bytes(PyObject* value);
  /// The head of an envelope record; the envelope itself, of `size` bytes, is to follow.
  void add_envelope_head(std::uint64_t size);

  ByteSpan view() const { return as_bytes(out_); }
  std::size_t size() const noexcept { return out_.size(); }
  void clear() noexcept { out_.clear(); }

 private:
  friend class ItemReader;
  enum class Tag : std::uint8_t {
    kNone,
    kTrue,
    kFalse,
    kSmall,
    kWhole,
    kReal,
    kText,
    kBytes,
    kPickle,
    kTuple,
    kEnvelope,
    kRaised
  };

  bool add(PyObject* value, int depth);
  bool add_whole(PyObject* value);
  bool add_tuple(PyObject* value, int depth);
  void add_sized(Tag tag, ByteSpan bytes);
  void tag(Tag tag) { out_.push_back(static_cast<char>(tag)); }
  template <typename T>
  void raw(T value) {
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }

  std::string out_;
};

/// Checks every length before it is used, and throws Error where the bytes end too early.
class ItemReader {
 public:
  explicit ItemReader(ByteSpan bytes) : bytes_(bytes) {}

  bool at_end() const noexcept { return at_ == bytes_.size(); }
  void skip();
  /// The value of the next record, a pickle by way of `loads`. Throws nb::python_error. Requires that it is neither an
  /// envelope nor an exception.
  nb::object take(nb::handle loads);

  /// If the next record is of this kind: its bytes, and passes over it.
  std::optional<ByteSpan> take_pickle() { return take_if(ItemWriter::Tag::kPickle); }
  std::optional<ByteSpan> take_raised() { return take_if(ItemWriter::Tag::kRaised); }
  std::optional<ByteSpan> take_envelope();
  /// Whether the next record is a value that take() gives.
  bool at_value() const;

 private:
  using Tag = ItemWriter::Tag;
  Tag peek() const;
  template <typename T>
  T raw();
  ByteSpan raw_bytes(std::uint64_t size);
  std::optional<ByteSpan> take_if(Tag tag);
  nb::object take_here(nb::handle loads);
  nb::object take_tuple(nb::handle loads);

  ByteSpan bytes_;
  std::size_t at_ = 0;
};

}  // namespace prong::python
