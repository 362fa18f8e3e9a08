// What was thrown in a job, as texts. Worker process.
#pragma once

#include "prong/outcome.h"

namespace prong::face {

/// Describes the exception that is being handled: its type as "std::out_of_range", what() (or the value of a thrown
/// string or number), and in place of a traceback one line for each nested exception. Requires to be in a catch block.
Raised describe_current_exception();

}  // namespace prong::face
