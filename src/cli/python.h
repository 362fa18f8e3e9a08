// Which Python runs functions, and as what.
#pragma once

#include <string>

#include "prong/options.h"

namespace prong::cli {

/// $PRONG_PYTHON, else the python3 beside this program, else "python3" from PATH.
std::string find_python();

/// The program whose processes serve `prong map`: python/prong/_map_worker.py.
Program python_map_worker(const std::string& function, bool json);

}  // namespace prong::cli
