// What --dry-run does.
#pragma once

#include "cli/inputs.h"
#include "cli/signals.h"
#include "cli/task.h"

namespace prong::cli {

/// Shows what each job would be, and runs nothing. Returns the exit status.
int dry_run(const Task& task, Inputs& inputs, Signals& signals);

}  // namespace prong::cli
