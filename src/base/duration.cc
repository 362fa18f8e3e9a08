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

}  // namespace prong::base
