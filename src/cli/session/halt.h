// Halt: after which results of jobs no more are started.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/session/tally.h"

namespace prong::cli {

struct HaltRule {
  enum class What { kFail, kSuccess, kDone };

  bool kill = false;  ///< now: kill those that run; soon: let them end
  What what = What::kFail;
  std::uint64_t count = 0;  ///< of such jobs
  double percent = 0;       ///< or so much of the jobs that are done, once kLeastForShare are such

  static constexpr std::uint64_t kLeastForShare = 3;

  bool met(const Tally& tally) const;
  /// How many jobs made it so: "3 jobs failed".
  std::string reason(const Tally& tally) const;

 private:
  std::uint64_t such_jobs(const Tally& tally) const;
};

/// "now,fail=1", "soon,success=2", "now,done=10%". Throws UsageError.
HaltRule parse_halt(std::string_view text);

}  // namespace prong::cli
