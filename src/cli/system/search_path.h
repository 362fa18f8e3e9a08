// Programs as the shell finds them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace prong::cli {

bool is_executable(const std::filesystem::path& path);

/// Where in PATH the program `name` is; nullopt: nowhere.
std::optional<std::string> find_program(const std::string& name);

}  // namespace prong::cli
