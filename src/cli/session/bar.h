// Bar: what --bar shows of a tally, in the width that there is.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "cli/session/tally.h"

namespace prong::cli {

/// "[#######>       ] 45% 45/100, 2 failed, 0:05 left", at most `columns` wide; without a total only the counts. What
/// has no room is left out: the bar, then what stands last. `left`: unset if it is not known. `with_color`: failures
/// are red.
std::string bar_text(const Tally& tally, std::optional<std::chrono::nanoseconds> left, std::size_t columns,
                     bool with_color);

}  // namespace prong::cli
