// Nursery: an interpreter that has everything loaded and runs nothing: pools of kind kFresh are branched off from it,
// each with a launcher and a template of its own, instead of starting an interpreter for each.
//
// The program's side: prepare_nursery() and PoolOptions::nursery. The other side: serve_nursery().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "prong/options.h"

namespace prong {

/// Starts a nursery for pools with PoolOptions::nursery == `program`, unless there is one that would inherit the same
/// from this thread. Pools do the same; who calls this before can do something else while the interpreter starts. Any
/// thread. Does nothing where there can be none (in a worker; where the kernel cannot tell open files from each other).
void prepare_nursery(const Program& program) noexcept;

/// Ends a nursery that no open pool uses, instead of keeping it for a second: at the end of the program.
void end_idle_nursery() noexcept;

struct NurseryHooks {
  /// Around the fork of a template.
  ForkHooks fork;
  /// Runs the template in the forked child: must call prong::serve_template(…, control_fd) and never return.
  /// `environment`: what the pool's Program adds, and how many share the CPUs; not set yet.
  std::function<void(int control_fd, const std::vector<std::string>& environment)> run_template;
};

/// Branches off a pool for each request of the program, until the program is gone. In a process with
/// Role::kNursery, with one thread. Never returns.
[[noreturn]] void serve_nursery(const NurseryHooks& hooks);

}  // namespace prong
