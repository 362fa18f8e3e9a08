// Names of C++ types for people. Either process.
#pragma once

#include <string>
#include <vector>

namespace prong::face {

/// "std::runtime_error" for "St13runtime_error"; what is no mangled name is returned as it is.
std::string demangle(const char* name);
/// Name of the type of the exception that is being handled. Requires to be in a catch block.
std::string current_exception_type();
/// Names of its base classes, nearest first, for as far as each has one public base. Requires to be in a catch block.
std::vector<std::string> current_exception_bases();

}  // namespace prong::face
