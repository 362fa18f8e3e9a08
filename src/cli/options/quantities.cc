#include "cli/options/quantities.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "prong/error.h"

namespace prong::cli {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

constexpr std::array kUnits = {Unit{"", 1e9},   Unit{"ms", 1e6},   Unit{"us", 1e3},   Unit{"s", 1e9},
                               Unit{"m", 60e9}, Unit{"h", 3600e9}, Unit{"d", 86400e9}};
constexpr double kLongestNs = 9e18;
constexpr double kMostWorkers = 100'000;
constexpr double kMostCounted = 1'000'000;
constexpr double kMostBytes = 1e18;

struct Number {
  double value;
  std::string_view rest;
};

std::optional<Number> read_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  return Number{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

std::optional<double> read_whole(std::string_view text) {
  const auto number = read_number(text);
  const bool whole = number && number->rest.empty() && number->value == std::floor(number->value);
  return whole && number->value <= kMostCounted ? std::optional(number->value) : std::nullopt;
}

[[noreturn]] void refuse(std::string_view text, const char* what_is_right) {
  throw UsageError("'" + std::string(text) + "' is not " + what_is_right);
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text) {
  if (const auto number = read_number(text)) {
    const auto unit = std::ranges::find(kUnits, number->rest, &Unit::name);
    const double wanted_ns = unit == kUnits.end() ? 0 : number->value * unit->nanoseconds;
    if (wanted_ns >= 1 && wanted_ns <= kLongestNs)
      return std::chrono::nanoseconds(static_cast<std::int64_t>(std::llround(wanted_ns)));
  }
  refuse(text, "a duration: write seconds (10, 1.5) or a number with ms, s, m, h or d (500ms, 2m)");
}

std::uint64_t parse_size(std::string_view text) {
  constexpr std::string_view kLetters = "KMGT";
  if (const auto number = read_number(text)) {
    std::string_view unit = number->rest;
    const std::size_t power = unit.empty() ? 0 : kLetters.find(static_cast<char>(std::toupper(unit.front()))) + 1;
    if (power != 0) unit.remove_prefix(1);
    const bool known = unit.empty() || unit == "B" || (power != 0 && unit == "iB");
    const double bytes = std::ldexp(number->value, 10 * static_cast<int>(power));
    if (known && bytes >= 1 && bytes <= kMostBytes) return static_cast<std::uint64_t>(bytes);
  }
  refuse(text, "a size: write bytes (100000) or a number with K, M, G or T (500M, 2G)");
}

int parse_workers(std::string_view text, int cpus) {
  const bool more = text.starts_with('+');
  if (const auto number = read_number(text.substr(more))) {
    const bool share = !more && number->rest == "%";
    const double wanted =
        share ? std::max(1.0, std::round(number->value * cpus / 100)) : number->value + (more ? cpus : 0);
    if ((share || number->rest.empty()) && number->value > 0 && wanted == std::floor(wanted) && wanted <= kMostWorkers)
      return static_cast<int>(wanted);
  }
  if (text == "0") throw UsageError("'0' would be no job at a time; leave it out for one per CPU, or write how many");
  refuse(text, "a number of workers: write 1 or more (4), a share of the CPUs (50%), or how many more than these (+1)");
}

int parse_retries(std::string_view text) {
  if (const auto number = read_whole(text); number && *number >= 0) return static_cast<int>(*number);
  refuse(text, "a number of retries: write 0 or more (3)");
}

double parse_load(std::string_view text, int cpus) {
  const auto number = read_number(text);
  if (number && number->value > 0 && number->rest.empty()) return number->value;
  if (number && number->value > 0 && number->rest == "%") return number->value * cpus / 100;
  refuse(text, "a load: write a number of processes (4), or a share of the CPUs (80%)");
}

std::string parse_text(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const bool is_escape = text.front() == '\\' && text.size() > 1;
    const std::size_t size = !is_escape ? 1 : text[1] == 'x' ? 4 : 2;
    const std::string_view piece = text.substr(0, size);
    result += piece == "\\\\" ? '\\' : parse_character(piece);
    text.remove_prefix(piece.size());
  }
  return result;
}

int parse_niceness(std::string_view text) {
  constexpr double kNicest = 19;
  if (const auto number = read_whole(text); number && *number >= 0 && *number <= kNicest)
    return static_cast<int>(*number);
  refuse(text, "a niceness: write 0 to 19 (10)");
}

std::size_t parse_count(std::string_view text) {
  if (const auto number = read_whole(text); number && *number >= 1) return static_cast<std::size_t>(*number);
  refuse(text, "a number of inputs: write 1 or more (3)");
}

std::uint64_t parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 1) return number;
  refuse(text, "a number: write 1 or more (3)");
}

int parse_priority(std::string_view text) {
  constexpr int kMost = 1'000'000'000;
  int priority = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && priority <= kMost && priority >= -kMost) return priority;
  refuse(text, "a priority: write a whole number (2, -1) between -1000000000 and 1000000000");
}

char parse_character(std::string_view text) {
  if (text.size() == 1) return text.front();
  if (text == "\\n") return '\n';
  if (text == "\\t") return '\t';
  if (text == "\\0") return '\0';
  unsigned value = 0;
  const auto [end, error] =
      std::from_chars(text.data() + std::min<std::size_t>(2, text.size()), text.data() + text.size(), value, 16);
  if (text.starts_with("\\x") && text.size() == 4 && error == std::errc() && end == text.data() + text.size())
    return static_cast<char>(value);
  refuse(text, "one byte: write a character (,), \\n, \\t, \\0 or \\x1f");
}

}  // namespace prong::cli
