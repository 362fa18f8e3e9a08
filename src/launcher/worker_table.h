// What the launcher does with a worker, as a table of state × event → action, next state. Pure: no processes, no time.
//
//   kStarting ──kStarted──> kRunning ──kStop──> kStopping ──kDeadline, kKill──> kKilled
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
  kStopping,  ///< SIGTERM was sent; SIGKILL follows at the deadline
  kKilled,    ///< SIGKILL was sent; it has not been seen to end
  kSweeping,  ///< reaped; what it started is being killed
  kGone,
};
inline constexpr std::size_t kWorkerStates = 7;

enum class WorkerEvent : std::uint8_t {
  kStarted,      ///< its pid is known now
  kStartFailed,  ///< or its template is gone
  kStop,         ///< the coordinator wants it to end, with grace
  kKill,         ///< the coordinator wants it dead
  kDeadline,     ///< the grace is over
  kEnded,        ///< it is a zombie
  kSwept,        ///< nothing of what it started is left, or the bound was reached
};
inline constexpr std::size_t kWorkerEvents = 7;

enum class WorkerAction : std::uint8_t {
  kNothing,
  kReportStarted,
  kReportStartedAndKill,
  kReportFailed,
  kTerminate,  ///< SIGTERM, SIGCONT, and set the deadline
  kHasten,     ///< the earlier of both deadlines
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
