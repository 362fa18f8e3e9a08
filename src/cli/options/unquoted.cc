#include "cli/options/unquoted.h"

#include <filesystem>
#include <string>

#include "prong/error.h"

namespace prong::cli {

void check_output_was_quoted(const ReplacementNames& names) {
  std::error_code error;
  const std::string name = std::filesystem::read_symlink("/proc/self/fd/1", error).filename();
  if (error || !TemplateString(name, names).has_replacements()) return;
  throw UsageError("standard output is the file '" + name +
                   "': your shell has read what was meant for the command; put that into quotes, as in "
                   "prong run 'gzip -c {} > {}.gz' ::: *.log");
}

}  // namespace prong::cli
