#include "cli/arguments.h"

#include <algorithm>
#include <iterator>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kInputsFollow = ":::";

void refuse_other_separators(const std::vector<std::string>& words) {
  for (const char* separator : {"::::", ":::+", "::::+"})
    if (std::ranges::find(words, separator) != words.end())
      throw UsageError("'" + std::string(separator) + "' is not supported; inputs come after one ':::', from a file " +
                       "with -a FILE, or from standard input");
}

}  // namespace

Arguments split_arguments(std::vector<std::string> words) {
  refuse_other_separators(words);
  const auto separator = std::ranges::find(words, kInputsFollow);
  if (separator == words.end()) return {std::move(words), std::nullopt};
  if (std::find(std::next(separator), words.end(), kInputsFollow) != words.end())
    throw UsageError("':::' is given twice; only one list of inputs is supported");
  return {{words.begin(), separator}, {{std::next(separator), words.end()}}};
}

}  // namespace prong::cli
