// Nursery: the program's side of the interpreter that pools of kind kFresh are branched off from
// (include/prong/nursery.h). One for the process, for pools that start the same program and would inherit the same.
// Coordinator process; any thread.
//
//   (none) ──take, prepare──> used by pools ──last one returns it──> parked ──take──> used ...
//                                                                      │ after kParked, by itself
//                                                                      └──> ended, as by end_idle()
//
// A nursery of which anything differs is left to the pools that use it, and ends with the last of them. What one did
// not do in time no other is asked for under the same circumstances: interpreters may start slowly there.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "os/fd.h"
#include "prong/options.h"

namespace prong::pool {

struct Place;

class Nursery {
 public:
  /// How long one that no pool uses is kept; one that was prepared, and not used yet.
  static constexpr std::chrono::milliseconds kParked{1000};
  static constexpr std::chrono::milliseconds kPrepared{10'000};
  /// How long its start may take: longer, and a pool is there sooner without it.
  static constexpr std::chrono::milliseconds kStartPatience{3000};

  /// Starts it. Throws Error.
  Nursery(const Program& program, std::string key);
  /// Tells it to end. Its keeper kills it if it does not.
  ~Nursery();
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  /// Whether a process that it forks now inherits what one would that this thread started: `key`, and open files.
  bool serves(const std::string& key) const noexcept;
  /// Waits until its interpreter has started. Throws PoolError when that takes too long.
  void expect_ready();
  /// Asks it for a pool whose launcher has `peer` as its socket. Throws Error if it cannot be asked. Whether the pool
  /// came is seen by whether its launcher says hello.
  void start_pool(int peer, const Program& program, std::int64_t sharers_of_cpus);
  /// It did not do what it was asked for: tells it to end.
  void give_up() noexcept;
  /// Tells it to end, and waits for that, but not long.
  void end() noexcept;

  /// The one that serves now; starts it if there is none. Null where there can be none. The last one to drop it parks
  /// it.
  static std::shared_ptr<Nursery> take(const Program& program) noexcept;
  /// Starts one that take() will find.
  static void prepare(const Program& program) noexcept;
  /// Ends the parked one, if there is one, and waits for its end.
  static void end_idle() noexcept;

 private:
  friend Place;
  bool tell_no_pools() noexcept;

  std::string key_;
  os::Fd socket_;
  os::Fd keeper_pidfd_;
  pid_t keeper_ = -1;
  pid_t owner_;  ///< the process that started it: a forked copy leaves it alone
  std::int64_t started_at_ = 0;
  std::atomic<bool> given_up_ = false;
};

}  // namespace prong::pool
