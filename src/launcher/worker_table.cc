#include "launcher/worker_table.h"

#include <array>
#include <cstddef>

namespace prong::launcher {
namespace {

using A = WorkerAction;
using S = WorkerState;
using Row = std::array<WorkerStep, kWorkerEvents>;

// clang-format off
constexpr std::array<Row, kWorkerStates> kTable = {{
  {{
    // kStarting
    /* kStarted     */ {A::kReportStarted, S::kRunning},
    /* kStartFailed */ {A::kReportFailed, S::kGone},
    /* kStop        */ {A::kNothing, S::kDoomed},
    /* kKill        */ {A::kNothing, S::kDoomed},
    /* kNextSignal  */ {A::kNothing, S::kStarting},
    /* kDeadline    */ {A::kNothing, S::kStarting},
    /* kEnded       */ {A::kNothing, S::kStarting},
    /* kSwept       */ {A::kNothing, S::kStarting},
  }},
  {{
    // kDoomed
    /* kStarted     */ {A::kReportStartedAndKill, S::kKilled},
    /* kStartFailed */ {A::kReportFailed, S::kGone},
    /* kStop        */ {A::kNothing, S::kDoomed},
    /* kKill        */ {A::kNothing, S::kDoomed},
    /* kNextSignal  */ {A::kNothing, S::kDoomed},
    /* kDeadline    */ {A::kNothing, S::kDoomed},
    /* kEnded       */ {A::kNothing, S::kDoomed},
    /* kSwept       */ {A::kNothing, S::kDoomed},
  }},
  {{
    // kRunning
    /* kStarted     */ {A::kNothing, S::kRunning},
    /* kStartFailed */ {A::kNothing, S::kRunning},
    /* kStop        */ {A::kSignal, S::kStopping},
    /* kKill        */ {A::kKill, S::kKilled},
    /* kNextSignal  */ {A::kNothing, S::kRunning},
    /* kDeadline    */ {A::kNothing, S::kRunning},
    /* kEnded       */ {A::kReap, S::kSweeping},
    /* kSwept       */ {A::kNothing, S::kRunning},
  }},
  {{
    // kStopping
    /* kStarted     */ {A::kNothing, S::kStopping},
    /* kStartFailed */ {A::kNothing, S::kStopping},
    /* kStop        */ {A::kHasten, S::kStopping},
    /* kKill        */ {A::kKill, S::kKilled},
    /* kNextSignal  */ {A::kSignal, S::kStopping},
    /* kDeadline    */ {A::kKill, S::kKilled},
    /* kEnded       */ {A::kReap, S::kSweeping},
    /* kSwept       */ {A::kNothing, S::kStopping},
  }},
  {{
    // kKilled
    /* kStarted     */ {A::kNothing, S::kKilled},
    /* kStartFailed */ {A::kNothing, S::kKilled},
    /* kStop        */ {A::kNothing, S::kKilled},
    /* kKill        */ {A::kNothing, S::kKilled},
    /* kNextSignal  */ {A::kNothing, S::kKilled},
    /* kDeadline    */ {A::kNothing, S::kKilled},
    /* kEnded       */ {A::kReap, S::kSweeping},
    /* kSwept       */ {A::kNothing, S::kKilled},
  }},
  {{
    // kSweeping
    /* kStarted     */ {A::kNothing, S::kSweeping},
    /* kStartFailed */ {A::kNothing, S::kSweeping},
    /* kStop        */ {A::kNothing, S::kSweeping},
    /* kKill        */ {A::kNothing, S::kSweeping},
    /* kNextSignal  */ {A::kNothing, S::kSweeping},
    /* kDeadline    */ {A::kNothing, S::kSweeping},
    /* kEnded       */ {A::kNothing, S::kSweeping},
    /* kSwept       */ {A::kReportGone, S::kGone},
  }},
  {{
    // kGone
    /* kStarted     */ {A::kNothing, S::kGone},
    /* kStartFailed */ {A::kNothing, S::kGone},
    /* kStop        */ {A::kNothing, S::kGone},
    /* kKill        */ {A::kNothing, S::kGone},
    /* kNextSignal  */ {A::kNothing, S::kGone},
    /* kDeadline    */ {A::kNothing, S::kGone},
    /* kEnded       */ {A::kNothing, S::kGone},
    /* kSwept       */ {A::kNothing, S::kGone},
  }},
}};
// clang-format on

}  // namespace

WorkerStep worker_step(WorkerState state, WorkerEvent event) noexcept {
  return kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

}  // namespace prong::launcher
