// Keeper: the parent of a nursery (see pool/nursery.h). A nursery is an interpreter that may hang before it runs
// anything of ours, and may start processes of its own; the keeper sees to it that none of them outlives the program,
// nor the nursery. Does nothing else.
//
//   program ┄┄> keeper ──> nursery ──> guards of pools, and whatever the interpreter starts by itself
//
// The guards of open pools come to the keeper when the nursery ends. They are spared: their launchers end them.
#pragma once

#include "launcher/protocol.h"

namespace prong::launcher {

/// Execs the nursery; waits for its end, or for the program's, and then kills what the nursery has left. Throws
/// SystemError.
void keep_nursery(const LauncherArguments& arguments);

}  // namespace prong::launcher
