// Quantities as they are written on a command line. All throw UsageError with a text that shows what would be right.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace prong::cli {

/// "10", "1.5" (seconds), "500ms", "2m", "1h", "1d". More than 0.
std::chrono::nanoseconds parse_duration(std::string_view text);

/// "100" (bytes), "64K", "500M", "2G", "1T", also with "B" or "iB" after the letter: powers of 1024. More than 0.
std::uint64_t parse_size(std::string_view text);

/// "4", "50%" of `cpus` (at least 1), or "+1": one more than `cpus`.
int parse_workers(std::string_view text, int cpus);

/// "3": 1 or more.
std::size_t parse_count(std::string_view text);

/// ",", "\\t", "\\n", "\\0", "\\x1f".
char parse_character(std::string_view text);

/// The text with bytes in the place of "\\n", "\\t", "\\0", "\\x1f"; "\\\\" is a backslash.
std::string parse_text(std::string_view text);

/// "7", of what is numbered: 1 or more.
std::uint64_t parse_number(std::string_view text);

/// "2", "-1".
int parse_priority(std::string_view text);

/// "3": 0 or more.
int parse_retries(std::string_view text);

/// "4", "0.5", "80%" of `cpus`. More than 0.
double parse_load(std::string_view text, int cpus);

/// "10": 0 to 19.
int parse_niceness(std::string_view text);

}  // namespace prong::cli
