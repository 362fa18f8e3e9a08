// Changes to an environment that is kept as "NAME=value" entries. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prong::launcher {

/// Sets or replaces `name`; returns where it stands.
std::size_t set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value);
/// Each change is "NAME=value" (set or replace) or "NAME" (remove).
void apply_changes(std::vector<std::string>& environment, const std::vector<std::string>& changes);

}  // namespace prong::launcher
