#include "cli/nearest.h"

#include <algorithm>
#include <numeric>

namespace prong::cli {
namespace {

constexpr std::size_t kShortestBeginning = 3;

// Letters to add, to leave out or to exchange; two neighbours that changed places count once.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(right.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::vector<std::size_t> row(right.size() + 1, i);
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t exchanged = last[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      row[j] = std::min({row[j - 1] + 1, last[j] + 1, exchanged});
      const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last.back();
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names) {
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  const auto continued = std::ranges::find_if(names, [&](const std::string& name) { return name.starts_with(word); });
  if (letters >= kShortestBeginning && continued != names.end()) return *continued;
  std::optional<std::string> best;
  std::size_t fewest = letters / 3 + 1;
  for (const std::string& name : names) {
    const std::size_t changed = distance(word, name);
    if (changed >= fewest) continue;
    fewest = changed;
    best = name;
  }
  return best;
}

}  // namespace prong::cli
