// prong map --only: one job in the foreground, in one process, so that a debugger can be used.
#pragma once

#include <optional>
#include <string>

#include "cli/options/settings.h"
#include "cli/tasks/function_task.h"

namespace prong::cli {

struct OnlySettings {
  std::optional<std::string>
      which;           ///< an input, or if there are sources of inputs the number of a job; none: all jobs
  bool debug = false;  ///< after an exception
};

/// Becomes a Python program that makes one call, with this process's standard streams, and ends with its exit status.
/// Returns if there is no such job to be run (--dry-run, a signal): the exit status. Throws UsageError, SystemError.
int map_only(const OnlySettings& only, const MapOptions& options, const Settings& settings, Arguments& arguments);

}  // namespace prong::cli
