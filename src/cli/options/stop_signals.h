// What --term-seq says: by which signals a job is ended, and how long each may take.
#pragma once

#include <string_view>
#include <vector>

#include "prong/options.h"

namespace prong::cli {

/// "TERM,200,INT,1s,KILL": signals by name or number, each with the time until the next one: milliseconds, or with a
/// unit. The last one needs none. Throws UsageError.
std::vector<StopSignal> parse_stop_signals(std::string_view text);

}  // namespace prong::cli
