// What every command that runs jobs does once it knows its task.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/options/settings.h"
#include "cli/tasks/task.h"

namespace prong::cli {

/// What the columns of the inputs are called is known once these have been opened.
using MakeTask = std::function<std::unique_ptr<Task>(std::vector<std::string> column_names)>;

/// Runs (or shows, for --dry-run) one job per input. Returns the exit status.
int execute(const Settings& settings, Arguments& arguments, const MakeTask& make_task);

}  // namespace prong::cli
