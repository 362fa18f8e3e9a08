// Files without a name: they are gone with their last descriptor, however the program ends.
#pragma once

#include <string>

#include "cli/system/descriptor.h"

namespace prong::cli {

/// $TMPDIR, else /tmp.
std::string temporary_folder();

/// An empty file there for reading and writing, close-on-exec. Throws SystemError.
Descriptor unnamed_temporary_file();

}  // namespace prong::cli
