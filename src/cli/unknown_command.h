// What somebody is told who wrote `prong WORD ...` where WORD is no command.
#pragma once

#include <string>

namespace prong::cli {

/// With a proposal, where one can be made.
std::string about_unknown_command(const std::string& word);

}  // namespace prong::cli
