// What the launcher does with a worker, as a table of state × event → action, next state. Pure: no processes, no time.
//
//   kStarting ──kStarted──> kRunning ──kStop──> kStopping ──kDeadline, kKill──> kKilled     (kStopping: kNextSignal)
//       │ kStop, kKill          │ kEnded            │ kEnded                       │ kEnded
//       ▼                       ▼                   ▼                              ▼
//   kDoomed ──kStarted──> kKilled      ...      kSweeping ──kSwept──> kGone   (reported; forgotten)
//       └──kStartFailed──> kGone
#pragma once

#include <cstddef>
#include <cstdint>

namespace prong::launcher {

enum class WorkerState : std::uint8_t {
  kStarting,  ///< asked for; its pid is not known yet
  kDoomed,    ///< the same, but it is to be killed as soon as its pid is known
  kRunning,
  kStopping,  ///< a signal was sent; another one, or SIGKILL, follows at the deadline
  kKilled,    ///< SIGKILL was sent; it has not been seen to end
  kSweeping,  ///< reaped; what it started is being killed
  kGone,
};
inline constexpr std::size_t kWorkerStates = 7;

enum class WorkerEvent : std::uint8_t {
  kStarted,      ///< its pid is known now
  kStartFailed,  ///< or its template is gone
  kStop,         ///< the coordinator wants it to end, by other signals first
  kKill,         ///< the coordinator wants it dead
  kNextSignal,   ///< it did not end in time after one signal, and there is another one
  kDeadline,     ///< the same, and there is none
  kEnded,        ///< it is a zombie
  kSwept,        ///< nothing of what it started is left, or the bound was reached
};
inline constexpr std::size_t kWorkerEvents = 8;

enum class WorkerAction : std::uint8_t {
  kNothing,
  kReportStarted,
  kReportStartedAndKill,
  kReportFailed,
  kSignal,  ///< the next signal, SIGCONT, and set the deadline
  kHasten,  ///< the earlier of both deadlines
  kKill,
  kReap,  ///< kill its group while it is a zombie, reap it, begin to sweep
  kReportGone,
};

struct WorkerStep {
  WorkerAction action = WorkerAction::kNothing;
  WorkerState next = WorkerState::kGone;
  bool operator==(const WorkerStep&) const = default;
};

/// What `event` means for a worker in `state`. An event that cannot come, or comes too late, changes nothing.
WorkerStep worker_step(WorkerState state, WorkerEvent event) noexcept;

}  // namespace prong::launcher
