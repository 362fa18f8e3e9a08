// What an installation has in share/: manual pages, and completion where the shells look for it.
#pragma once

#include <filesystem>

namespace prong::cli {

/// Throws SystemError.
void write_share_folder(const std::filesystem::path& folder);

}  // namespace prong::cli
