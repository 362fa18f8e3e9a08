// The program `prong`: finds the command and turns what goes wrong into a message and an exit status.
#pragma once

#include <string>
#include <vector>

namespace prong::cli {

/// `words`: the arguments after the program's name. Returns the exit status.
int program(const std::vector<std::string>& words);

}  // namespace prong::cli
