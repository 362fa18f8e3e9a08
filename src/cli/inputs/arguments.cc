#include "cli/inputs/arguments.h"

#include <algorithm>
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

[[noreturn]] void refuse_separator(const std::string& word) {
  throw UsageError("'" + word + "' separates nothing: inputs come after the word ':::', files of them after '::::'");
}

}  // namespace

Arguments split_arguments(std::vector<std::string> words) {
  Arguments arguments;
  for (std::string& word : words) {
    if (std::optional<SourceWords> source = separator(word)) {
      if (source->linked && arguments.sources.empty())
        throw UsageError("'" + word + "' links its inputs with those before it, and there are none; write ':::' first");
      arguments.sources.push_back(*std::move(source));
    } else if (arguments.sources.empty() && word.starts_with(":::")) {
      refuse_separator(word);
    } else {
      (arguments.sources.empty() ? arguments.command : arguments.sources.back().words).push_back(std::move(word));
    }
  }
  if (arguments.sources.empty() && std::ranges::find(arguments.command, "::") != arguments.command.end())
    refuse_separator("::");
  return arguments;
}

}  // namespace prong::cli
