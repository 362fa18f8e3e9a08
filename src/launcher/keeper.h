// Keeper: the parent of a nursery (see pool/nursery.h). A nursery is an interpreter that may hang before it runs
// anything of ours; the keeper sees to it that it never outlives the program. Does nothing else.
#pragma once

#include "launcher/protocol.h"

namespace prong::launcher {

/// Execs the nursery and waits for its end, or for the program's, and then kills it. Throws SystemError.
void keep_nursery(const LauncherArguments& arguments);

}  // namespace prong::launcher
