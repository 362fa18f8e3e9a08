// A picture of a run: a lane for each worker, a bar for each attempt, a part for each session.
#pragma once

#include <string>

#include "prong/journal.h"

namespace prong::cli {

/// SVG. However many attempts there are, it has no more bars than there are pixels.
std::string timeline_of(JournalReader& reader, const JournalRun& run);
/// Throws SystemError.
void write_timeline(JournalReader& reader, const JournalRun& run, const std::string& path);

}  // namespace prong::cli
