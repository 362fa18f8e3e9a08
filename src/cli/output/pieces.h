// What jobs have written, piece by piece: large outputs lie in files and are never in memory as a whole.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "prong/payload.h"

namespace prong::cli {

using PutText = std::function<void(std::string_view)>;

/// Calls `put` with one piece after the other. Throws SystemError.
void for_each_piece(const Payload& payload, const PutText& put);

/// Writes a prefix before each line of a text that comes in pieces. The last line gets no line end that it did not
/// have.
class Prefixer {
 public:
  explicit Prefixer(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Calls `put` once or more. A line that begins in one piece and ends in another has one prefix.
  void put(std::string_view piece, const PutText& put);

 private:
  std::string prefix_;
  std::string prefixed_;
  bool at_line_start_ = true;
};

}  // namespace prong::cli
