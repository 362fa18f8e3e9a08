// The help of a command as a terminal of 80 columns shows it.
#pragma once

#include <string>

#include "cli/help/manual.h"

namespace prong::cli {

std::string help_page(const Manual& manual);

}  // namespace prong::cli
