// prong-launcher: started by the engine, never by hand. Its arguments are described in launcher/protocol.h.
//
//   program ┄┄> guard ──> launcher ──> template, workers
//
// Pools of kind fork make the launcher a child of the guard themselves; then this program is exec'ed for each of both.
// It is also the keeper of a nursery.
#include <cstdio>
#include <exception>

#include "launcher/guard.h"
#include "launcher/keeper.h"
#include "launcher/launcher.h"
#include "os/this_process.h"

namespace {

/// In the guard: does not return before the launcher has ended; returns the launcher's pid. In the launcher: 0. Where
/// no process can be had for it, the launcher does without a guard.
pid_t guard_launcher() {
  prong::launcher::prepare_to_guard();
  const pid_t launcher = prong::os::try_fork();
  if (launcher > 0) prong::launcher::guard(launcher);
  return launcher > 0 ? launcher : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto arguments = prong::launcher::from_argv(argc, argv);
  if (arguments.socket < 3 && arguments.guarded_pid == 0) {
    std::fputs("prong-launcher is started by Prong itself: see the program 'prong'\n", stderr);
    return 2;
  }
  try {
    if (arguments.nursery_program >= 0) {
      prong::launcher::keep_nursery(arguments);
    } else if (arguments.guarded_pid > 0) {
      prong::launcher::guard(arguments.guarded_pid);
    } else if (arguments.has_guard || guard_launcher() == 0) {
      prong::launcher::Launcher(arguments).run();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "prong-launcher: %s\n", error.what());
    return 1;
  }
  return 0;
}
