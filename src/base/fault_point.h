// Fault points: named places where a test can stop a process for ever.
//
//   PRONG_FAULT_POINT("channel.publish.before_free");
//
// Compiled to nothing unless PRONG_FAULT_POINTS is defined. With it, each point calls the hook, if there is one; a test
// sets the hook in the process that is to die. Any process, any thread.
#pragma once

#ifdef PRONG_FAULT_POINTS

#include <atomic>
#include <csignal>
#include <string_view>

namespace prong::base {

using FaultHook = void (*)(std::string_view point);

inline std::atomic<FaultHook> fault_hook{nullptr};

inline void reach_fault_point(std::string_view point) {
  if (const FaultHook hook = fault_hook.load(std::memory_order_acquire)) hook(point);
}

/// Where this process is to die by SIGKILL: at the `countdown`-th time that `point` is reached.
struct Doom {
  std::string_view point;  ///< must live as long as the process
  std::atomic<int> countdown{0};
};
inline Doom doom;

inline void die_at_fault_point(std::string_view point, int nth = 1) {
  doom.point = point;
  doom.countdown = nth;
  fault_hook = [](std::string_view reached) {
    if (reached == doom.point && doom.countdown.fetch_sub(1) == 1) std::raise(SIGKILL);
  };
}

}  // namespace prong::base

#define PRONG_FAULT_POINT(name) ::prong::base::reach_fault_point(name)
#else
#define PRONG_FAULT_POINT(name) static_cast<void>(0)
#endif
