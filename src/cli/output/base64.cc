#include "cli/output/base64.h"

#include <algorithm>
#include <array>

namespace prong::cli {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kGroup = 3;

constexpr auto kValues = [] {
  std::array<signed char, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<signed char>(i);
  return values;
}();

void encode_group(std::string_view bytes, std::string& to) {
  unsigned group = 0;
  for (std::size_t i = 0; i < kGroup; ++i)
    group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
  for (std::size_t i = 0; i <= kGroup; ++i) to += i <= bytes.size() ? kDigits[group >> (6U * (kGroup - i)) & 63U] : '=';
}

}  // namespace

void Base64::add(std::string_view piece, const PutText& put) {
  std::string bytes = rest_ + std::string(piece);
  const std::size_t whole = bytes.size() / kGroup * kGroup;
  std::string text;
  for (std::size_t i = 0; i < whole; i += kGroup) encode_group(std::string_view(bytes).substr(i, kGroup), text);
  rest_ = bytes.substr(whole);
  put(text);
}

void Base64::end(const PutText& put) {
  std::string text;
  if (!rest_.empty()) encode_group(rest_, text);
  rest_.clear();
  put(text);
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + kGroup - 1) / kGroup * (kGroup + 1));
  for (; !bytes.empty(); bytes.remove_prefix(std::min(kGroup, bytes.size())))
    encode_group(bytes.substr(0, kGroup), text);
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % (kGroup + 1) != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  bytes.reserve(text.size() / (kGroup + 1) * kGroup + kGroup);
  unsigned bits = 0;
  unsigned count = 0;
  for (const char each : text) {
    const int digit = kValues[static_cast<unsigned char>(each)];
    if (digit < 0) return std::nullopt;
    bits = bits << 6U | static_cast<unsigned>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFFU);
  }
  return bytes;
}

}  // namespace prong::cli
