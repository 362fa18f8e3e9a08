// Sweeper: when the launcher has to look for processes that nobody owns, kill them, and say that none is left. A
// machine of steps that is told the time and what there is; it waits for nothing and calls nothing.
//
// A process that nobody owns ("stranger") is a child of the launcher that is neither a registered worker nor a
// template: what a dead worker had started. Sweeps overlap: each ends with the first round after its begin that finds
// no stranger.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <set>
#include <vector>

namespace prong::launcher {

class Sweeper {
 public:
  static constexpr std::int64_t kBoundNs = 5'000'000'000;
  static constexpr std::int64_t kFirstPauseNs = 300'000;
  static constexpr std::int64_t kLongestPauseNs = 20'000'000;

  using Ticket = std::uint64_t;

  /// Begins a sweep: the next round is due now.
  Ticket begin(std::int64_t now);
  /// When the next round is due; -1: no sweep goes on.
  std::int64_t due() const noexcept { return sweeps_.empty() ? -1 : due_; }

  struct Finished {
    Ticket ticket = 0;
    std::uint32_t unconfirmed = 0;  ///< strangers that could not be seen to end within the bound
    pid_t one_of_them = 0;
  };
  struct Round {
    std::vector<pid_t> kill;
    std::vector<Finished> finished;
  };
  /// A round that found `strangers`.
  Round round(const std::vector<pid_t>& strangers, std::int64_t now);

  /// A stranger was reaped. When none is known any more, the next round is due at once.
  void reaped(pid_t pid, std::int64_t now);

 private:
  struct Sweep {
    Ticket ticket;
    std::int64_t deadline;
  };
  void finish(Round& round, std::uint32_t unconfirmed);

  std::deque<Sweep> sweeps_;
  std::set<pid_t> known_;      ///< strangers of the last round
  std::set<pid_t> abandoned_;  ///< outlived the bound of a sweep: no later one waits for them
  Ticket last_ticket_ = 0;
  std::int64_t due_ = 0;
  std::int64_t pause_ = kFirstPauseNs;
};

}  // namespace prong::launcher
