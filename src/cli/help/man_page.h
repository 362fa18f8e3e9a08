// A manual as a page for man(1).
#pragma once

#include <string>

#include "cli/help/manuals.h"

namespace prong::cli {

/// One of `all`; the page refers to the others.
std::string man_page(const Manual& manual, const Manuals& all);

/// "prong-run", of "prong run".
std::string man_page_name(const Manual& manual);

}  // namespace prong::cli
