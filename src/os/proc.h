// Reading /proc. Any process.
#pragma once

#include <sys/types.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace prong::os {

/// The whole file; nothing if it cannot be opened.
std::optional<std::string> read_file(const std::string& path);

/// "/proc/<pid>".
std::string folder_of(pid_t pid);

/// Field `index` of /proc/<pid>/stat, counted from 0 at the state, which follows the name.
std::string_view stat_field(std::string_view stat, int index);

template <typename Number>
Number to_number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace prong::os
