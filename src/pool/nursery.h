// Nursery: the program's side of the interpreter that pools of kind kFresh are branched off from
// (include/prong/nursery.h). One for the process, for pools that start the same program and would inherit the same.
// Coordinator process; any thread.
//
//   (none) ──take, prepare──> used by pools ──last one returns it──> parked ──take──> used ...
//                                                                      │ after kParked, or end_idle()
//                                                                      └──> ended
//
// A nursery of which anything differs is left to the pools that use it, and ends with the last of them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "os/fd.h"
#include "prong/options.h"

namespace prong::pool {

class Nursery {
 public:
  /// How long one that no pool uses is kept.
  static constexpr std::chrono::milliseconds kParked{1000};

  /// Starts it. Throws Error.
  Nursery(const Program& program, std::string key);
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  /// Whether a process that it forks now inherits what one would that this thread started: `key`, and open files.
  bool serves(const std::string& key) const noexcept;
  /// Asks it for a pool whose launcher has `peer` as its socket. False if it cannot be asked. Whether the pool came is
  /// seen by whether its launcher says hello.
  bool start_pool(int peer, const Program& program, std::int64_t sharers_of_cpus) noexcept;
  /// It did not do what it was asked for: kills it.
  void give_up() noexcept;

  /// The one that serves now; starts it if there is none. Null where there can be none. The last one to drop it parks
  /// it.
  static std::shared_ptr<Nursery> take(const Program& program) noexcept;
  /// Ends the parked one, if there is one, and waits for its end.
  static void end_idle() noexcept;

 private:
  std::string key_;
  os::Fd socket_;
  os::Fd keeper_pidfd_;
  pid_t keeper_ = -1;
  pid_t owner_;  ///< the process that started it: a forked copy leaves it alone
  bool given_up_ = false;
};

}  // namespace prong::pool
