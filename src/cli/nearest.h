// What somebody may have meant who wrote a name that does not exist.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace prong::cli {

/// The first that begins with `word`, else the one that differs from it in the fewest letters, if these are few.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace prong::cli
