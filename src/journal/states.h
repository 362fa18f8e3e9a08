// JobState as it stands in the file.
#pragma once

#include <string_view>

#include "prong/journal.h"

namespace prong::journal {

/// Throws JournalError for a word that no version has written.
JobState job_state_of(std::string_view name);

}  // namespace prong::journal
