// Shell syntax that was meant for the command, and was read by the shell that started this program.
#pragma once

#include "cli/tasks/template_string.h"

namespace prong::cli {

/// Throws UsageError if standard output is a file with a replacement string in its name, as after  gzip -c {} > {}.gz
void check_output_was_quoted(const ReplacementNames& names);

}  // namespace prong::cli
