// Bytes as text, in base64 (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/output/pieces.h"

namespace prong::cli {

/// Bytes that come in pieces.
class Base64 {
 public:
  void add(std::string_view piece, const PutText& put);
  void end(const PutText& put);

 private:
  std::string rest_;  // fewer than 3 bytes
};

std::string to_base64(std::string_view bytes);
/// Nothing if it is not what to_base64() gives.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace prong::cli
