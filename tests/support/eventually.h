// eventually: waits for something that another process or thread brings about. For tests.
#pragma once

#include <chrono>
#include <ctime>

namespace prong::test {

inline constexpr std::chrono::seconds kPatience{20};

/// Asks until the answer is true; false if it never was within the patience.
template <typename Condition>
bool eventually(Condition condition, std::chrono::nanoseconds patience = kPatience) {
  const auto give_up = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    const timespec pause = {0, 500'000};
    ::nanosleep(&pause, nullptr);
  }
  return true;
}

}  // namespace prong::test
