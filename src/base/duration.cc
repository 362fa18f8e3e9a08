#include "base/duration.h"

#include <array>
#include <cstdio>

namespace prong::base {
namespace {

struct Unit {
  std::chrono::nanoseconds length;
  const char* name;
};

constexpr std::array kUnits = {Unit{std::chrono::seconds(1), "s"}, Unit{std::chrono::milliseconds(1), "ms"},
                               Unit{std::chrono::microseconds(1), "us"}, Unit{std::chrono::nanoseconds(1), "ns"}};

constexpr std::array kByteUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

std::string without_trailing_zeros(std::string number) {
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return number;
}

const Unit& unit_for(std::chrono::nanoseconds duration) {
  for (const Unit& unit : kUnits)
    if (duration >= unit.length || duration <= -unit.length) return unit;
  return kUnits.front();
}

}  // namespace

std::string describe(std::chrono::nanoseconds duration) {
  const Unit& unit = unit_for(duration);
  std::array<char, 40> number{};
  std::snprintf(number.data(), number.size(), "%.3f",
                static_cast<double>(duration.count()) / static_cast<double>(unit.length.count()));
  return without_trailing_zeros(number.data()) + " " + unit.name;
}

std::string describe_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " bytes";
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1024; ++unit) amount /= 1024;
  std::array<char, 40> number{};
  std::snprintf(number.data(), number.size(), "%.1f", amount);
  return without_trailing_zeros(number.data()) + " " + kByteUnits.at(unit);
}

}  // namespace prong::base
