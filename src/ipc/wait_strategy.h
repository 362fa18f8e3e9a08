// WaitStrategy: how long to spin before sleeping. Either process; one thread.
//
// Spinning answers in 0.1 µs where sleeping takes 2 to 32, but only while the partner runs on another CPU: on the same
// one it keeps away the very process that it waits for. So the budget is halved by each failure and restored by
// success, or by a sleep so short that spinning would have succeeded.
#pragma once

#include <algorithm>
#include <cstdint>

#include "os/clock.h"

namespace prong::ipc {

inline constexpr std::int64_t kLongestSpinNs = 50'000;

/// Tells the processor that this is a spin loop.
inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class WaitStrategy {
 public:
  /// `longest_ns` 0: never spins.
  explicit WaitStrategy(std::int64_t longest_ns) noexcept : longest_ns_(longest_ns), budget_ns_(longest_ns) {}

  /// Spins until `ready()`, at most for the budget and only while `worthwhile()`. Returns ready().
  template <typename Ready, typename Worthwhile>
  bool spin(Ready ready, Worthwhile worthwhile) noexcept {
    if (budget_ns_ == 0 || !worthwhile()) return ready();
    const std::int64_t deadline = os::monotonic_now() + budget_ns_;
    while (worthwhile()) {
      if (spin_some(ready)) return succeeded();
      if (os::monotonic_now() >= deadline) return failed();
    }
    return ready();
  }

  /// A sleep of this length was needed.
  void slept(std::int64_t ns) noexcept {
    if (ns <= longest_ns_) budget_ns_ = longest_ns_;
  }

  std::int64_t budget_ns() const noexcept { return budget_ns_; }

 private:
  static constexpr std::int64_t kLeastSpinNs = 1'000;

  template <typename Ready>
  static bool spin_some(Ready ready) noexcept {
    for (int i = 0; i < 32; ++i) {
      if (ready()) return true;
      relax();
    }
    return false;
  }

  bool succeeded() noexcept {
    budget_ns_ = longest_ns_;
    return true;
  }

  bool failed() noexcept {
    budget_ns_ = budget_ns_ / 2 < kLeastSpinNs ? 0 : budget_ns_ / 2;
    return false;
  }

  std::int64_t longest_ns_;
  std::int64_t budget_ns_;
};

}  // namespace prong::ipc
