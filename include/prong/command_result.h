// CommandResult: what a command came to, and what it wrote.
#pragma once

#include "prong/outcome.h"
#include "prong/payload.h"

namespace prong {

/// A command that failed is a value, never an exception: Exited{0} if all was well.
struct CommandResult {
  Outcome outcome = Cancelled{};
  Payload output{};  ///< of the last attempt, as far as it was captured
  Payload error_output{};
  int attempts = 0;
  bool succeeded() const noexcept { return prong::succeeded(outcome, true); }
};

}  // namespace prong
