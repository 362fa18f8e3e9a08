// EarlyEnd: what a run that ended before its inputs did has done, and what it leaves.
#pragma once

#include <cstdint>
#include <string>

#include "cli/inputs/inputs.h"

namespace prong::cli {

struct EarlyEnd {
  std::uint64_t done = 0;  ///< including those that failed
  std::uint64_t failed = 0;
  std::uint64_t killed = 0;  ///< because the run ended
  std::uint64_t not_run = 0;
  bool more = false;  ///< there may be more that were not run

  static constexpr std::uint64_t kMostCounted = 1'000'000;

  /// Counts what `inputs` still have, as far as that is known without waiting and no more than kMostCounted.
  void count_rest(Inputs& inputs);
  /// "37 done, 2 of them failed, 1 killed, at least 12 not run".
  std::string text() const;
};

}  // namespace prong::cli
