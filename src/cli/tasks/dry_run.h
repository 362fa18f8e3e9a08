// What --dry-run does.
#pragma once

#include "cli/inputs/inputs.h"
#include "cli/session/recorder.h"
#include "cli/system/signals.h"
#include "cli/tasks/task.h"

namespace prong::cli {

/// Shows what each job that would be run is, and runs nothing. Returns the exit status.
int dry_run(const JournalSettings& journal, const Task& task, Inputs& inputs, Signals& signals);

}  // namespace prong::cli
