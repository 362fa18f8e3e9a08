// Arguments: what stands after the options of `run` and `map`:  command {} ::: input input
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace prong::cli {

struct Arguments {
  std::vector<std::string> command;
  std::optional<std::vector<std::string>> inputs;  ///< unset: no ":::" was given
};

/// Throws UsageError for more than one source of inputs.
Arguments split_arguments(std::vector<std::string> words);

}  // namespace prong::cli
