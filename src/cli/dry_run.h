// What --dry-run does.
#pragma once

#include "cli/inputs.h"
#include "cli/recorder.h"
#include "cli/signals.h"
#include "cli/task.h"

namespace prong::cli {

/// Shows what each job that would be run is, and runs nothing. Returns the exit status.
int dry_run(const JournalSettings& journal, const Task& task, Inputs& inputs, Signals& signals);

}  // namespace prong::cli
