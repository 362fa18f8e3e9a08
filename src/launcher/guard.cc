#include "launcher/guard.h"

#include <csignal>

#include "launcher/sweeper.h"
#include "os/clock.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/socket.h"
#include "os/this_process.h"

namespace prong::launcher {
namespace {

void wait_for_end_of(pid_t launcher) noexcept {
  for (;;) {
    const os::Reaped reaped = os::reap_any(/*block=*/true);
    if (reaped.pid == launcher || reaped.pid == os::Reaped::kNoChildren) return;
  }
}

/// Reaps all that has ended. False if no child is left.
bool reap_ended() noexcept {
  for (;;) {
    const os::Reaped reaped = os::reap_any(/*block=*/false);
    if (reaped.pid == os::Reaped::kNoChildren) return false;
    if (reaped.pid == os::Reaped::kNoneEnded) return true;
  }
}

}  // namespace

void prepare_to_guard() {
  os::become_subreaper();
}

void guard(pid_t launcher) {
  // As with the launcher, whose end this one awaits: signals meant for all are not for it.
  os::reset_dispositions();
  os::block_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE});
  os::close_all_but({});
  os::start_session();
  os::set_process_name("prong-guard");
  const os::Fd child_ended = os::create_child_signal_fd();
  wait_for_end_of(launcher);
  // What becomes a child later does so because its parent has ended: another reason to look.
  const std::int64_t give_up_at = os::monotonic_now() + Sweeper::kBoundNs;
  while (reap_ended() && os::monotonic_now() < give_up_at) {
    for (const pid_t orphan : os::children_of(os::process_id())) os::kill_deep(orphan);
    os::wait_readable(child_ended.get(), give_up_at);
    os::drain_signals(child_ended.get());
  }
}

}  // namespace prong::launcher
