// Sink: where what jobs give is written to: the screen (Output), or a place where it is kept for later (Recording).
#pragma once

#include <string_view>

namespace prong::cli {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(std::string_view text) = 0;        ///< to standard output
  virtual void write_error(std::string_view text) = 0;  ///< to standard error
};

}  // namespace prong::cli
