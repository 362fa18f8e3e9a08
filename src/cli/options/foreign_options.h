// Options of xargs and GNU parallel that this program spells otherwise, or does not need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace prong::cli {

/// What to write instead of `option`: "use -n N, ..."; nullopt: it is none of them.
std::optional<std::string> advice_on_foreign_option(std::string_view option);

}  // namespace prong::cli
