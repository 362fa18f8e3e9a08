// The manuals of the program and of its commands.
#pragma once

#include <vector>

#include "cli/commands.h"
#include "cli/help/manual.h"

namespace prong::cli {

struct Manuals {
  Manual program;
  std::vector<Manual> commands;
};

Manual manual_of(const CommandEntry& command);
/// Of the program itself: which commands there are.
Manual manual_of_program();
Manuals all_manuals();

/// "run", of "prong run".
std::string command_name(const Manual& manual);

}  // namespace prong::cli
