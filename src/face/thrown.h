// What was thrown in a job, as texts. Worker process.
#pragma once

#include <string>

namespace prong::face {

struct Thrown {
  std::string type;     ///< e.g. "std::out_of_range"
  std::string message;  ///< what(), or the value of a thrown string or number
  std::string causes;   ///< one line for each nested exception
};

/// Describes the exception that is being handled. Requires to be in a catch block.
Thrown describe_current_exception();

}  // namespace prong::face
