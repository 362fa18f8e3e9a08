// Where the launcher program is. Coordinator process.
#pragma once

#include <string>

namespace prong::pool {

/// $PRONG_LAUNCHER; beside this library (a Python package's _bin, or ../libexec/prong); the installed one; the one of
/// the build tree. Throws PoolError naming the places that were tried.
std::string find_launcher();

}  // namespace prong::pool
