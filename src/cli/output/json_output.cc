#include "cli/output/json_output.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/output/base64.h"

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
