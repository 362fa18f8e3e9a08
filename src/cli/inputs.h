// Inputs: where the inputs of jobs come from, one at a time and never far ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/template_string.h"

namespace prong::cli {

enum class Next {
  kInput,   ///< there was one
  kNotYet,  ///< none now; the wake function will be called when there may be one
  kEnd,     ///< no more
};

class Inputs {
 public:
  virtual ~Inputs() = default;
  /// The values of the next input. For kNotYet they are undefined.
  virtual Next next(Values& values) = 0;
  /// How many there are in all, if that is known beforehand.
  virtual std::optional<std::uint64_t> total() { return std::nullopt; }
};

/// Each has one value.
std::unique_ptr<Inputs> inputs_from_list(std::vector<std::string> list);

/// The lines of a file, each one value; "-" is standard input. `wake` may be called from another thread. Throws
/// SystemError.
std::unique_ptr<Inputs> inputs_from_file(const std::string& path, char delimiter, std::function<void()> wake);

}  // namespace prong::cli
