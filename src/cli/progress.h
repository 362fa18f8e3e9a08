// Progress: one live line on a terminal, or a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "prong/job.h"

namespace prong::cli {

struct Tally {
  std::uint64_t done = 0;  ///< including those that failed
  std::uint64_t failed = 0;
  std::optional<std::uint64_t> total;
  std::uint64_t earlier = 0;  ///< that an earlier session has done; counted in `total` alone
};

/// "37/100 done, 2 failed, 12.5/s, 0:05 left".
std::string progress_text(const Tally& tally, std::chrono::nanoseconds elapsed);

enum class ProgressMode {
  kOff,
  kOnTerminal,  ///< nothing where standard error is no terminal
  kAlways,
};

class Progress {
 public:
  Progress(ProgressMode mode, MonotonicNs started, int fd = 2);

  bool shown() const { return live_ || plain_; }
  /// When it should be shown again though nothing happened.
  std::optional<MonotonicNs> next_due() const;
  void show(const Tally& tally, MonotonicNs now);
  /// Takes the live line away, so that something else can be written.
  void erase();
  /// The last state, to stay.
  void finish(const Tally& tally, MonotonicNs now);

 private:
  void write(std::string_view text) const;
  std::string fitted(std::string text) const;

  int fd_;
  bool live_;
  bool plain_;
  MonotonicNs started_;
  MonotonicNs due_;
  bool drawn_ = false;
};

}  // namespace prong::cli
