// Scripts by which a shell completes command lines of this program, made from the manuals of its commands.
#pragma once

#include <string>

#include "cli/help/manuals.h"

namespace prong::cli {

std::string bash_completion(const Manuals& manuals);
std::string zsh_completion(const Manuals& manuals);
std::string fish_completion(const Manuals& manuals);

}  // namespace prong::cli
