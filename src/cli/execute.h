// What every command that runs jobs does once it knows its task.
#pragma once

#include "cli/settings.h"
#include "cli/task.h"

namespace prong::cli {

/// Runs (or shows, for --dry-run) one job per input. Returns the exit status.
int execute(const Settings& settings, const Task& task, Arguments& arguments);

}  // namespace prong::cli
