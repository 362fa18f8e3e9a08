#include "cli/arguments.h"

#include <optional>
#include <utility>

#include "prong/error.h"

namespace prong::cli {
namespace {

std::optional<SourceWords> separator(const std::string& word) {
  if (word == ":::") return SourceWords{};
  if (word == "::::") return SourceWords{.are_files = true};
  if (word == ":::+") return SourceWords{.linked = true};
  if (word == "::::+") return SourceWords{.are_files = true, .linked = true};
  return std::nullopt;
}

}  // namespace

Arguments split_arguments(std::vector<std::string> words) {
  Arguments arguments;
  for (std::string& word : words) {
    if (std::optional<SourceWords> source = separator(word)) {
      if (source->linked && arguments.sources.empty())
        throw UsageError("'" + word + "' links its inputs with those before it, and there are none; write ':::' first");
      arguments.sources.push_back(*std::move(source));
    } else {
      (arguments.sources.empty() ? arguments.command : arguments.sources.back().words).push_back(std::move(word));
    }
  }
  return arguments;
}

}  // namespace prong::cli
