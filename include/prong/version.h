// The version of Prong. Written here and nowhere else: CMake, the Python package and the command line read it from this
// line.
#pragma once

#include <string_view>

#define PRONG_VERSION "0.1.0"

namespace prong {

inline constexpr std::string_view kVersion = PRONG_VERSION;

}  // namespace prong
