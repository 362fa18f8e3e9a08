// What a run came to, in a few lines.
#pragma once

#include <string>

#include "cli/log/log_rows.h"
#include "prong/journal.h"

namespace prong::cli {

/// Counts, rates, percentiles of the times, and the slowest jobs, of the jobs that the filter takes.
std::string summary_of(JournalReader& reader, const JournalRun& run, const LogFilter& filter);

}  // namespace prong::cli
