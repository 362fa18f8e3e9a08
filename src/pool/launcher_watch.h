// LauncherWatch: when a launcher that owes something is asked whether it is alive, and when it is taken for hung.
// Coordinator process; has no clock and asks nobody: the Crew tells it, and does what it says.
#pragma once

#include "prong/job.h"

namespace prong::pool {

class LauncherWatch {
 public:
  /// How long an order may take before the launcher is asked, and how long its answer may take then.
  static constexpr MonotonicNs kOrderPatience = 2'000'000'000;
  static constexpr MonotonicNs kAnswerPatience = 5'000'000'000;
  /// So late is only a process that could not run: perhaps all were frozen (a paused container or machine), and the
  /// launcher had no chance either. That time does not count.
  static constexpr MonotonicNs kFrozen = 1'000'000'000;

  enum class Verdict { kWait, kAsk, kHung };

  /// It has said something, or is a new one.
  void heard() noexcept { since_ = 0; }

  /// To be called whenever something happens, and at due(). `owes`: whether the launcher has something to say.
  Verdict look(bool owes, MonotonicNs now) noexcept {
    if (!owes || since_ == 0) {
      since_ = owes ? now : 0;
      asked_ = false;
      return Verdict::kWait;
    }
    if (now < due()) return Verdict::kWait;
    const bool came_late = now >= due() + kFrozen;
    since_ = now;
    if (!asked_) {
      asked_ = true;
      return Verdict::kAsk;
    }
    return came_late ? Verdict::kWait : Verdict::kHung;
  }

  /// When the next look is due, for one that owes something and was looked at; 0: it was not.
  MonotonicNs due() const noexcept { return since_ == 0 ? 0 : since_ + (asked_ ? kAnswerPatience : kOrderPatience); }

 private:
  MonotonicNs since_ = 0;  ///< when it began to owe something, or was asked last; 0: it owes nothing
  bool asked_ = false;
};

}  // namespace prong::pool
