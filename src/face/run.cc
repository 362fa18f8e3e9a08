#include "prong/run.h"

namespace prong {
namespace {

/// So many of them may run at once: a thread that waits for one costs no CPU, so CPUs are no measure.
constexpr int kAtOnce = 256;

Pool& command_pool() {
  static Pool only({.workers = kAtOnce, .start = StartKind::kCommand, .start_early = false});
  return only;
}

Pool& function_pool() {
  static Pool only({.workers = kAtOnce, .start_early = false});
  return only;
}

PoolView with_own_process(Pool& pool, JobOptions options) {
  options.fresh = true;
  return pool.options(std::move(options));
}

}  // namespace

CommandResult run(const Command& command, JobOptions options) {
  return with_own_process(command_pool(), std::move(options)).submit(command).get();
}

PoolView detail::own_process(JobOptions options) {
  return with_own_process(function_pool(), std::move(options));
}

}  // namespace prong
