// The worker's side: takes requests from the channel, has the face's JobRunner run them, publishes what came of it.
// Worker process, main thread.
#pragma once

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "prong/worker.h"

namespace prong::pool {

/// The descriptors of a worker, however it came to have them.
struct WorkerDescriptors {
  os::Fd segment;
  os::Fd doorbell;
  os::Fd control;
};

/// Ties this process to the launcher `launcher_pid` (it dies with it) and prepares it to run jobs.
void settle_worker(int launcher_pid);

/// Serves until told to finish; then the process ends with status 0.
[[noreturn]] void run_worker(WorkerDescriptors descriptors, JobRunner& runner);

}  // namespace prong::pool
