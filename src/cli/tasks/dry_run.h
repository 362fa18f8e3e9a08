// What --dry-run does.
#pragma once

#include "cli/inputs/inputs.h"
#include "cli/system/signals.h"
#include "cli/tasks/task.h"

namespace prong::cli {

/// Shows what each job would be, and runs nothing. Returns the exit status.
int dry_run(const Task& task, Inputs& inputs, Signals& signals);

}  // namespace prong::cli
