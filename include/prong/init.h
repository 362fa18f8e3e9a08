// How a C++ program comes to have workers: it is started again, and branches off in prong::init.
#pragma once

#include "prong/options.h"

namespace prong {

/// To be called first in main, before threads are started and before arguments are looked at. In the program itself it
/// returns at once. In a process that Prong started from the program, as a template (StartKind::kFresh) or worker
/// (StartKind::kSpawn), it serves and never returns: main is not run there, but constructors of globals are.
void init(int argc, char** argv);

/// This program, as PoolOptions::program wants it. Throws UsageError if init() was not called: then the new process
/// would run main as the program does.
Program this_program();

namespace detail {

/// Fills in what starts this program's own workers, where the caller did not say otherwise.
PoolOptions with_own_workers(PoolOptions options);

}  // namespace detail
}  // namespace prong
