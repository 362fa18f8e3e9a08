// Inputs: where the inputs of jobs come from, one at a time and never far ahead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/inputs/records.h"
#include "cli/tasks/template_string.h"

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
  /// How many there are in all, if that is known beforehand. Very long ones may become more.
  virtual std::optional<std::uint64_t> total() { return std::nullopt; }
  /// How many of these have been left out so far.
  virtual std::uint64_t skipped() const { return 0; }
};

/// How long a command is with inputs of these values.
using CommandLength = std::function<std::size_t(const Values&)>;

/// Each has one value.
std::unique_ptr<Inputs> inputs_from_list(std::vector<std::string> list);

/// What `records` (empty) cuts a file into; "-" is standard input. `wake` may be called from another thread. Throws
/// SystemError, and InputError later.
std::unique_ptr<Inputs> inputs_from_file(const std::string& path, std::unique_ptr<Records> records,
                                         std::function<void()> wake);

}  // namespace prong::cli
