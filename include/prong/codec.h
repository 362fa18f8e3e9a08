// Codec: values to bytes and back, with cereal. To add a type, give it a cereal `serialize` (or save and load):
//
//   struct Point { double x, y; template <typename Archive> void serialize(Archive& archive) { archive(x, y); } };
//
// The bytes are for another process of the same program: host byte order, no versions. Either process; no shared state.
#pragma once

#if !__has_include(<cereal/cereal.hpp>)
#error "prong/codec.h needs the headers of cereal (Debian package libcereal-dev)"
#endif

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <concepts>
#include <filesystem>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "prong/detail/bytes.h"
#include "prong/job_error.h"
#include "prong/outcome.h"
#include "prong/payload.h"

namespace prong {

/// The archive that values are saved to: cereal's binary format.
class OutputArchive : public cereal::OutputArchive<OutputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit OutputArchive(detail::Bytes& out) : cereal::OutputArchive<OutputArchive, 1>(this), out_(out) {}
  void write(const void* data, std::size_t size) { out_.append(data, size); }
  /// As write(), but `block` may only be referred to: it must live until the bytes are used.
  void refer(ByteSpan block) { out_.refer(block); }

 private:
  detail::Bytes& out_;
};

/// The archive that values are loaded from. Throws CodecError where the bytes end too early.
class InputArchive : public cereal::InputArchive<InputArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit InputArchive(ByteSpan bytes) : cereal::InputArchive<InputArchive, 1>(this), rest_(bytes) {}
  void read(void* data, std::size_t size) { detail::take(rest_, data, size); }
  ByteSpan rest() const noexcept { return rest_; }
  /// Throws CodecError if something was not read.
  void finish() const { detail::require_all_read(rest_); }

 private:
  ByteSpan rest_;
};

namespace detail {

template <typename T>
concept Arithmetic = std::is_arithmetic_v<T>;
template <typename T>
concept OwnArchive = std::same_as<T, OutputArchive> || std::same_as<T, InputArchive>;
/// What a vector stores in its encoded form.
template <typename T>
concept BlockElement = (Arithmetic<T> && !std::same_as<T, bool>) || std::same_as<T, std::byte>;

}  // namespace detail

// What cereal looks for by the type of the archive.
template <detail::Arithmetic T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const T& value) {
  archive.write(&value, sizeof value);
}

template <detail::Arithmetic T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, T& value) {
  archive.read(&value, sizeof value);
}

template <typename T>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const cereal::BinaryData<T>& data) {
  archive.write(data.data, static_cast<std::size_t>(data.size));
}

template <typename T>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, cereal::BinaryData<T>& data) {
  archive.read(data.data, static_cast<std::size_t>(data.size));
}

template <detail::OwnArchive Archive, typename T>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

template <detail::OwnArchive Archive, typename T>
void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive, cereal::SizeTag<T>& tag) {
  archive(tag.size);
}

// Types that cereal does not know, or knows only element by element.
inline void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const std::filesystem::path& path) {
  archive(path.native());
}

inline void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::filesystem::path& path) {
  std::string text;
  archive(text);
  path = std::move(text);
}

template <typename Allocator>
void CEREAL_SAVE_FUNCTION_NAME(OutputArchive& archive, const std::vector<std::byte, Allocator>& bytes) {
  archive(cereal::make_size_tag(static_cast<cereal::size_type>(bytes.size())));
  archive.write(bytes.data(), bytes.size());
}

template <typename Allocator>
void CEREAL_LOAD_FUNCTION_NAME(InputArchive& archive, std::vector<std::byte, Allocator>& bytes) {
  cereal::size_type size = 0;
  archive(cereal::make_size_tag(size));
  bytes.resize(static_cast<std::size_t>(size));
  archive.read(bytes.data(), bytes.size());
}

namespace detail {

template <typename T>
inline constexpr bool kIsStdFunction = false;
template <typename Signature>
inline constexpr bool kIsStdFunction<std::function<Signature>> = true;

/// Stops the compilation with a sentence for people if values of T cannot travel.
template <typename T>
constexpr void require_encodable() {
  static_assert(!std::is_pointer_v<T> && !std::is_null_pointer_v<T> && !std::is_member_pointer_v<T>,
                "prong: a pointer means nothing in another process; pass the value itself, or a std::unique_ptr to it");
  static_assert(
      !kIsStdFunction<T>,
      "prong: a std::function cannot be sent to another process; pass a function, a lambda, or an object of a "
      "class with operator() and a cereal serialize function");
  if constexpr (!std::is_pointer_v<T> && !std::is_null_pointer_v<T> && !std::is_member_pointer_v<T> &&
                !kIsStdFunction<T>) {
    static_assert(cereal::traits::is_output_serializable<T, OutputArchive>::value &&
                      cereal::traits::is_input_serializable<T, InputArchive>::value,
                  "prong: this type cannot be sent to another process; give it a member function "
                  "`template <typename Archive> void serialize(Archive& archive) { archive(all, its, members); }` "
                  "or include the header of cereal/types that knows it (see docs/cpp.md)");
    static_assert(
        std::is_default_constructible_v<T>,
        "prong: a type that is sent to another process must be default-constructible: it is made there first, "
        "then filled");
  }
}

/// A vector of numbers or bytes, or a string: its storage is its encoding.
template <typename T>
inline constexpr bool kIsBlock = false;
template <typename Allocator>
inline constexpr bool kIsBlock<std::basic_string<char, std::char_traits<char>, Allocator>> = true;
template <BlockElement T, typename Allocator>
inline constexpr bool kIsBlock<std::vector<T, Allocator>> = true;

/// What PlainWriter and PlainReader know.
template <typename T>
inline constexpr bool kIsPlain = Arithmetic<T> || kIsBlock<T>;

/// Saves plain values as OutputArchive does. That one remembers pointers and versions, for which it makes and clears
/// four hash tables: more work than the rest of a call of numbers.
class PlainWriter {
 public:
  explicit PlainWriter(Bytes& out) : out_(out) {}
  void write(const void* data, std::size_t size) { out_.append(data, size); }
  void refer(ByteSpan block) { out_.refer(block); }
  template <typename... T>
  void operator()(const T&... values) {
    (save(values), ...);
  }

 private:
  template <Arithmetic T>
  void save(const T& value) {
    write(&value, sizeof value);
  }
  template <typename T>
  void save(const T& block) {
    static_assert(kIsBlock<T>);
    save(static_cast<cereal::size_type>(block.size()));
    write(block.data(), block.size() * sizeof(*block.data()));
  }

  Bytes& out_;
};

/// Loads what PlainWriter or OutputArchive have saved.
class PlainReader {
 public:
  explicit PlainReader(ByteSpan bytes) : rest_(bytes) {}
  void read(void* data, std::size_t size) { take(rest_, data, size); }
  ByteSpan rest() const noexcept { return rest_; }
  void finish() const { require_all_read(rest_); }
  template <typename... T>
  void operator()(T&... values) {
    (load(values), ...);
  }

 private:
  template <Arithmetic T>
  void load(T& value) {
    read(&value, sizeof value);
  }
  template <typename T>
  void load(T& block) {
    static_assert(kIsBlock<T>);
    cereal::size_type size = 0;
    load(size);
    block.resize(static_cast<std::size_t>(size));
    read(block.data(), block.size() * sizeof(*block.data()));
  }

  ByteSpan rest_;
};

/// What values are saved to and loaded from, if all of them are plain, or else.
template <bool plain>
using Writer = std::conditional_t<plain, PlainWriter, OutputArchive>;
template <bool plain>
using Reader = std::conditional_t<plain, PlainReader, InputArchive>;

/// Saves a value that lives until the bytes are used, so that a large one is not copied on the way.
template <typename Archive, typename T>
void put(Archive& archive, const T& value) {
  require_encodable<T>();
  if constexpr (kIsBlock<T>) {
    archive(static_cast<cereal::size_type>(value.size()));
    archive.refer(std::as_bytes(std::span(value.data(), value.size())));
  } else {
    archive(value);
  }
}

}  // namespace detail

/// The bytes of `value`, as jobs send them.
template <typename T>
Payload encode_value(const T& value) {
  detail::Bytes bytes;
  detail::Writer<detail::kIsPlain<T>> archive(bytes);
  detail::put(archive, value);
  return bytes.payload();
}

/// The value in `bytes`. Throws CodecError (or what T's own load function throws) if they are not those of a T.
template <typename T>
T decode_value(ByteSpan bytes) {
  detail::require_encodable<T>();
  detail::Reader<detail::kIsPlain<T>> archive(bytes);
  T value{};
  archive(value);
  archive.finish();
  return value;
}

}  // namespace prong

CEREAL_REGISTER_ARCHIVE(prong::OutputArchive)
CEREAL_REGISTER_ARCHIVE(prong::InputArchive)
CEREAL_SETUP_ARCHIVE_TRAITS(prong::InputArchive, prong::OutputArchive)
