// LauncherClient: the coordinator's end of the launcher. Starts it, sends orders, takes its reports.
// Coordinator process; guarded by the pool's lock.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "launcher/protocol.h"
#include "os/fd.h"
#include "pool/nursery.h"
#include "prong/options.h"

namespace prong::pool {

class LauncherClient {
 public:
  /// Whether the pool can wait for an interpreter: not while others wait for its lock.
  enum class Patience { kNone, kSome };
  /// Starts the launcher; for StartKind::kFork also forks the template from the calling thread. Throws.
  LauncherClient(const PoolOptions& options, Patience patience);
  /// Tells the launcher to kill everything and end; does not wait (see join()).
  ~LauncherClient();
  LauncherClient(const LauncherClient&) = delete;
  LauncherClient& operator=(const LauncherClient&) = delete;

  int socket() const noexcept { return socket_.get(); }
  pid_t pid() const noexcept { return launcher_pid_; }

  /// Orders. What the launcher does not take now waits for send_orders().
  void start_template();
  void kill_template();
  void start_worker(std::uint64_t worker, launcher::StartHow how, int niceness, const std::array<int, 3>& fds);
  void stop_worker(std::uint64_t worker, const launcher::StopSteps& steps);
  void signal_worker(std::uint64_t worker, int signal);
  void ping();
  void send_orders();
  bool backlogged() const noexcept { return !orders_.empty(); }

  launcher::Received receive(launcher::Message& message);

  /// Asks the launcher to kill what is left and end.
  void shut_down() noexcept;
  /// For one that does not answer.
  void kill() noexcept;

 private:
  void start(const PoolOptions& options, const std::function<void(int peer)>& start_peer);
  bool start_in_nursery(const PoolOptions& options);
  void start_detached(int peer, const PoolOptions& options);
  void start_forked(int peer, const PoolOptions& options);
  void expect_hello(std::int64_t deadline);
  void end() noexcept;
  void introduced(pid_t pid);
  void send_program(const Program& program);
  void order(const launcher::Message& message, std::span<const int> fds = {});

  os::Fd socket_;
  os::Fd own_pidfd_;
  std::shared_ptr<Nursery> nursery_;  ///< that the pool was branched off from; null: none
  struct Order {
    launcher::Message message;
    std::vector<os::Fd> fds;
  };
  std::deque<Order> orders_;
  os::Fd launcher_pidfd_;
  pid_t launcher_pid_ = 0;  ///< as it has said itself
  pid_t pid_ = -1;          ///< of the process that was started: the guard
  bool is_child_ = false;   ///< kFork: an ordinary child of the program, to be reaped by us
};

}  // namespace prong::pool
