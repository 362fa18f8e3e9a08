// What commands have written, as a member of a JSON object: text where it is UTF-8, else in base64. Large outputs go
// through in pieces.
#pragma once

#include <string>
#include <string_view>

#include "cli/output/pieces.h"

namespace prong::cli {

/// Whether bytes that come in pieces are UTF-8 (without surrogates, in the shortest form).
class Utf8Check {
 public:
  void add(std::string_view piece);
  /// So far, and nothing is missing at the end.
  bool valid() const { return valid_ && expected_ == 0; }

 private:
  void begin(unsigned char byte);

  bool valid_ = true;
  int expected_ = 0;           // bytes of the character that are to come
  unsigned char low_ = 0x80U;  // between which the next one lies
  unsigned char high_ = 0xBFU;
};

/// `"name":"text"`, or `"name_base64":"..."`.
void put_json_output(std::string_view name, const Payload& output, const PutText& put);

}  // namespace prong::cli
