// HookedFork: a process that forks for a runtime, from before the fork until after it. In the program, nurseries and
// templates.
#pragma once

#include <cerrno>

#include "prong/options.h"

namespace prong::pool {

/// Calls the hooks of the parent, the second one however its scope is left; errno stays what it was.
class HookedFork {
 public:
  explicit HookedFork(const ForkHooks& hooks) : hooks_(hooks) {
    if (hooks.before) hooks.before();
  }
  ~HookedFork() {
    const int error = errno;
    if (hooks_.in_parent) hooks_.in_parent();
    errno = error;
  }
  HookedFork(const HookedFork&) = delete;
  HookedFork& operator=(const HookedFork&) = delete;

 private:
  const ForkHooks& hooks_;
};

}  // namespace prong::pool
