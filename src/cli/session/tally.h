// Tally: how far a run has come.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace prong::cli {

struct Tally {
  std::uint64_t done = 0;  ///< including those that failed
  std::uint64_t failed = 0;
  std::optional<std::uint64_t> total;  ///< without the skipped ones
  std::uint64_t skipped = 0;           ///< inputs that were left out
  std::uint64_t earlier = 0;           ///< that an earlier session has done; counted in `total` alone

  std::uint64_t all_done() const { return done + earlier; }
};

/// "0:05", "1:02:03".
std::string clock_text(std::chrono::nanoseconds time);

}  // namespace prong::cli
