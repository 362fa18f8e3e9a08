// JobState, and what kind a run is, as they stand in the file.
#pragma once

#include <string_view>

#include "prong/journal.h"

namespace prong::journal {

enum class RunKind {
  kRun,
  kQueue,  ///< stays, and gets its jobs from others
};
std::string_view run_kind_name(RunKind kind) noexcept;

/// Throws JournalError for a word that no version has written.
JobState job_state_of(std::string_view name);

}  // namespace prong::journal
