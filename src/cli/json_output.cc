#include "cli/json_output.h"

#include <algorithm>

#include <fmt/format.h>

namespace prong::cli {
namespace {

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char byte : text) {
    if (byte == '"' || byte == '\\')
      result.append({'\\', byte});
    else if (byte == '\n')
      result += "\\n";
    else if (byte == '\t')
      result += "\\t";
    else if (static_cast<unsigned char>(byte) < ' ')
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    else
      result += byte;
  }
  return result;
}

void encode_group(std::string_view bytes, std::string& to) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kGroup = 3;
  unsigned group = 0;
  for (std::size_t i = 0; i < kGroup; ++i)
    group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
  for (std::size_t i = 0; i <= kGroup; ++i) to += i <= bytes.size() ? kDigits[group >> (6U * (kGroup - i)) & 63U] : '=';
}

bool is_utf8(const Payload& output) {
  Utf8Check check;
  for_each_piece(output, [&](std::string_view piece) { check.add(piece); });
  return check.valid();
}

}  // namespace

void Utf8Check::add(std::string_view piece) {
  for (const char each : piece) {
    if (!valid_) return;
    const auto byte = static_cast<unsigned char>(each);
    if (expected_ == 0) {
      begin(byte);
      continue;
    }
    valid_ = byte >= low_ && byte <= high_;
    low_ = 0x80U;
    high_ = 0xBFU;
    --expected_;
  }
}

// Table 3-7 of the Unicode standard.
void Utf8Check::begin(unsigned char byte) {
  if (byte < 0x80U) return;
  if (byte >= 0xC2U && byte <= 0xDFU)
    expected_ = 1;
  else if (byte >= 0xE0U && byte <= 0xEFU)
    expected_ = 2;
  else if (byte >= 0xF0U && byte <= 0xF4U)
    expected_ = 3;
  else
    valid_ = false;
  if (byte == 0xE0U) low_ = 0xA0U;
  if (byte == 0xEDU) high_ = 0x9FU;
  if (byte == 0xF0U) low_ = 0x90U;
  if (byte == 0xF4U) high_ = 0x8FU;
}

void Base64::add(std::string_view piece, const PutText& put) {
  std::string bytes = rest_ + std::string(piece);
  const std::size_t whole = bytes.size() / 3 * 3;
  std::string text;
  for (std::size_t i = 0; i < whole; i += 3) encode_group(std::string_view(bytes).substr(i, 3), text);
  rest_ = bytes.substr(whole);
  put(text);
}

void Base64::end(const PutText& put) {
  std::string text;
  if (!rest_.empty()) encode_group(rest_, text);
  rest_.clear();
  put(text);
}

void put_json_output(std::string_view name, const Payload& output, const PutText& put) {
  const bool as_text = is_utf8(output);
  put(fmt::format("\"{}{}\":\"", name, as_text ? "" : "_base64"));
  Base64 base64;
  for_each_piece(output, [&](std::string_view piece) {
    if (as_text)
      put(escaped(piece));
    else
      base64.add(piece, put);
  });
  base64.end(put);
  put("\"");
}

}  // namespace prong::cli
