// Little byte codec for the records that Prong itself sends (never for user values). Lengths are checked on reading.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prong/outcome.h"
#include "prong/payload.h"

namespace prong::base {

class Writer {
 public:
  void u8(std::uint8_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void u64(std::uint64_t value) { raw(&value, sizeof value); }
  void bytes(ByteSpan value) {
    u64(value.size());
    raw(value.data(), value.size());
  }
  void text(std::string_view value) { bytes(as_bytes(value)); }
  void texts(const std::vector<std::string>& values) {
    u32(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) text(value);
  }
  std::string take() { return std::move(out_); }
  ByteSpan view() const { return as_bytes(out_); }

 private:
  void raw(const void* data, std::size_t size) { out_.append(static_cast<const char*>(data), size); }
  std::string out_;
};

/// Reads what Writer wrote. After the first impossible length `ok()` is false and everything reads as zero or empty.
class Reader {
 public:
  explicit Reader(ByteSpan bytes) : rest_(bytes) {}
  std::uint8_t u8() { return number<std::uint8_t>(); }
  std::uint32_t u32() { return number<std::uint32_t>(); }
  std::uint64_t u64() { return number<std::uint64_t>(); }
  ByteSpan bytes();
  std::string text() { return std::string(as_text(bytes())); }
  std::vector<std::string> texts();
  bool ok() const noexcept { return ok_; }
  /// True if everything was read and nothing was wrong.
  bool finished() const noexcept { return ok_ && rest_.empty(); }

 private:
  template <typename Number>
  Number number() {
    Number value{};
    if (rest_.size() < sizeof value) {
      ok_ = false;
      rest_ = {};
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }

  ByteSpan rest_;
  bool ok_ = true;
};

/// `raised.value` is not looked at: `value` stands for it.
std::string encode_raised(const Raised& raised, ByteSpan value);
/// Nothing if the bytes make no sense.
std::optional<Raised> decode_raised(ByteSpan bytes);

}  // namespace prong::base
