// Guard: the parent of the launcher, for the case that the launcher itself is killed. Workers die with their launcher,
// but what they had started would be left to nobody: the guard adopts it, kills it and ends. It does nothing before
// that and knows nothing of pools; if it is killed, the launcher goes on without.
#pragma once

#include <sys/types.h>

namespace prong::launcher {

/// Makes this process able to guard: to be called before the launcher is its child. Throws SystemError.
void prepare_to_guard();

/// Waits until the launcher has ended, then kills what it has left. Requires that `launcher` is a child of this
/// process. Throws SystemError.
void guard(pid_t launcher);

}  // namespace prong::launcher
