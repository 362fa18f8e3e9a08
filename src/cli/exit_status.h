// The exit statuses of the command line.
#pragma once

#include <algorithm>
#include <cstdint>

namespace prong::cli {

inline constexpr int kAllDone = 0;
inline constexpr int kMostFailuresTold = 101;  ///< and any number above
inline constexpr int kLimitMet = 124;          ///< of the whole run, as timeout(1) tells it
inline constexpr int kInterrupted = 130;       ///< as shells tell of a program that Ctrl-C ended
inline constexpr int kOutputClosed = 141;      ///< as shells tell of SIGPIPE
inline constexpr int kTrouble = 255;           ///< wrong usage, or Prong itself could not work

inline int status_for_failures(std::uint64_t failures) {
  return static_cast<int>(std::min<std::uint64_t>(failures, kMostFailuresTold));
}

/// Thrown when nobody reads the output any more: a reason to stop quietly, not a failure.
struct OutputClosed {};

}  // namespace prong::cli
