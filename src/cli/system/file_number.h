// FileNumber: which file it is, whatever its name.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace prong::cli {

using FileNumber = std::pair<dev_t, ino_t>;

/// Of the file of this name, also of a link; zeros if there is none.
FileNumber number_of(const std::string& path);

}  // namespace prong::cli
