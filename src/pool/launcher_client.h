// LauncherClient: the coordinator's end of the launcher. Starts it, sends orders, takes its reports.
// Coordinator process; guarded by the pool's lock.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>

#include "launcher/protocol.h"
#include "os/fd.h"
#include "prong/options.h"

namespace prong::pool {

class LauncherClient {
 public:
  /// Starts the launcher; for StartKind::kFork also forks the template from the calling thread. Throws.
  explicit LauncherClient(const PoolOptions& options);
  /// Tells the launcher to kill everything and end; does not wait (see join()).
  ~LauncherClient();
  LauncherClient(const LauncherClient&) = delete;
  LauncherClient& operator=(const LauncherClient&) = delete;

  int socket() const noexcept { return socket_.get(); }
  pid_t pid() const noexcept { return pid_; }

  /// Orders. False when the launcher is gone.
  bool start_template();
  bool start_worker(std::uint64_t worker, launcher::StartHow how, const std::array<int, 3>& fds);
  bool stop_worker(std::uint64_t worker, std::chrono::nanoseconds grace);

  launcher::Received receive(launcher::Message& message);

  /// Asks the launcher to kill what is left and end.
  void shut_down() noexcept;

 private:
  void start_detached(int peer, const PoolOptions& options);
  void start_forked(int peer, const PoolOptions& options);
  bool send_program(const Program& program);

  os::Fd socket_;
  os::Fd own_pidfd_;
  pid_t pid_ = -1;
  bool is_child_ = false;  ///< kFork: an ordinary child of the program, to be reaped by us
};

}  // namespace prong::pool
