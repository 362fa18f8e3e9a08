// Which Python runs functions, and as what.
#pragma once

#include <string>
#include <vector>

#include "cli/options/map_options.h"
#include "prong/options.h"

namespace prong::cli {

/// $PRONG_PYTHON, else the python3 beside this program, else "python3" from PATH.
std::string find_python();

/// Runs the function main of a module of the package prong.
std::vector<std::string> python_command(const std::string& module);

/// Variables by which `prong map` tells its Python programs what to do: NAME=value.
std::vector<std::string> map_environment(const MapOptions& options);

/// The program whose processes serve `prong map`: python/prong/_map_worker.py.
Program python_map_worker(const MapOptions& options);

}  // namespace prong::cli
