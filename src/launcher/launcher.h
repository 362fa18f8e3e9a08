// Launcher: the event loop of the launcher process: the only subreaper, the only reaper, the only killer. Runs no code
// of the user and never blocks, so that it can always reap, kill, and see the program end.
#pragma once

#include <memory>
#include <vector>

#include "launcher/session.h"
#include "launcher/sweeper.h"
#include "os/fd.h"
#include "os/poller.h"

namespace prong::launcher {

class Launcher {
 public:
  /// Makes this process the launcher: session, signals, name, parentage. Throws SystemError.
  explicit Launcher(const LauncherArguments& arguments);

  /// Serves until every session is over.
  void run();

 private:
  void add_session(const LauncherArguments& arguments);
  void wait_and_handle();
  std::int64_t due() const;
  void handle(std::uint64_t token);
  void reap_ended();
  void bury(pid_t pid);
  Session* owner_of(pid_t pid);
  std::vector<pid_t> strangers();
  void sweep();

  os::Fd child_signal_;
  os::Poller poller_;
  Sweeper sweeper_;
  std::vector<std::unique_ptr<Session>> sessions_;  ///< null once over: tokens name places
  std::vector<std::uint64_t> ready_;
  bool more_to_reap_ = false;
};

}  // namespace prong::launcher
