// Progress: one live line on a terminal, or a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/session/recent_rate.h"
#include "cli/session/tally.h"
#include "prong/job.h"

namespace prong::cli {

/// "37/100 done, 2 failed, 12.5/s, 0:05 left"; after the failed ones: "4 skipped", if there are some.
std::string progress_text(const Tally& tally, std::chrono::nanoseconds elapsed);

enum class ProgressMode {
  kOff,
  kOnTerminal,  ///< nothing where standard error is no terminal
  kAlways,
};

struct ProgressStyle {
  ProgressMode line = ProgressMode::kOff;
  ProgressMode bar = ProgressMode::kOff;  ///< comes before the line
};

class Progress {
 public:
  Progress(ProgressStyle style, MonotonicNs started, int fd = 2);

  bool shown() const { return live_ || plain_; }
  /// When it should be shown again though nothing happened.
  std::optional<MonotonicNs> next_due() const;
  void show(const Tally& tally, MonotonicNs now);
  /// Takes the live line away, so that something else can be written.
  void erase();
  /// The last state, to stay.
  void finish(const Tally& tally, MonotonicNs now);

 private:
  struct Text {
    std::string bytes;
    std::size_t width;
  };

  Text text(const Tally& tally, MonotonicNs now) const;
  std::size_t columns() const;
  std::string erasing() const;
  void write(std::string_view text) const;

  int fd_;
  bool bar_;
  bool live_;
  bool plain_;
  bool colored_;
  MonotonicNs started_;
  MonotonicNs due_;
  RecentRate recent_;
  std::size_t drawn_width_ = 0;
  bool drawn_ = false;
};

}  // namespace prong::cli
