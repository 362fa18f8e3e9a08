// Arguments: what stands after the options of `run` and `map`:  command {} ::: input input :::: file file
#pragma once

#include <string>
#include <vector>

namespace prong::cli {

/// What stands after one separator.
struct SourceWords {
  bool are_files = false;  ///< :::: and ::::+, each file is a source of its own; else the words are the inputs
  bool linked = false;     ///< :::+ and ::::+: side by side with the source before, not in every combination with it
  std::vector<std::string> words = {};

  bool operator==(const SourceWords&) const = default;
};

struct Arguments {
  std::vector<std::string> command;
  std::vector<SourceWords> sources;  ///< empty: no separator was given
};

/// Throws UsageError if the first separator is to be linked with one before.
Arguments split_arguments(std::vector<std::string> words);

}  // namespace prong::cli
