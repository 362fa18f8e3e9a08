#include "launcher/worker_table.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace prong::launcher {
namespace {

using A = WorkerAction;
using E = WorkerEvent;
using S = WorkerState;

constexpr std::array<S, kWorkerStates> kStates = {S::kStarting, S::kDoomed,   S::kRunning, S::kStopping,
                                                  S::kKilled,   S::kSweeping, S::kGone};
constexpr std::array<E, kWorkerEvents> kEvents = {E::kStarted,    E::kStartFailed, E::kStop,  E::kKill,
                                                  E::kNextSignal, E::kDeadline,    E::kEnded, E::kSwept};

/// The actions on the way, and where it ends.
std::pair<std::vector<A>, S> walk(const std::vector<E>& events) {
  std::vector<A> actions;
  S state = S::kStarting;
  for (const E event : events) {
    const WorkerStep step = worker_step(state, event);
    if (step.action != A::kNothing) actions.push_back(step.action);
    state = step.next;
  }
  return {actions, state};
}

TEST(WorkerTableTest, OrdinaryLife) {
  const auto [actions, state] = walk({E::kStarted, E::kEnded, E::kSwept});
  EXPECT_EQ(actions, (std::vector{A::kReportStarted, A::kReap, A::kReportGone}));
  EXPECT_EQ(state, S::kGone);
}

TEST(WorkerTableTest, GraceThenDeath) {
  const auto [actions, state] = walk({E::kStarted, E::kStop, E::kDeadline, E::kEnded, E::kSwept});
  EXPECT_EQ(actions, (std::vector{A::kReportStarted, A::kSignal, A::kKill, A::kReap, A::kReportGone}));
}

TEST(WorkerTableTest, OneSignalAfterAnotherThenDeath) {
  const auto [actions, state] = walk({E::kStarted, E::kStop, E::kNextSignal, E::kNextSignal, E::kDeadline});
  EXPECT_EQ(actions, (std::vector{A::kReportStarted, A::kSignal, A::kSignal, A::kSignal, A::kKill}));
  EXPECT_EQ(state, S::kKilled);
}

TEST(WorkerTableTest, ARepeatedStopHastensAndAKillEndsTheGrace) {
  const auto [actions, state] = walk({E::kStarted, E::kStop, E::kStop, E::kKill, E::kDeadline});
  EXPECT_EQ(actions, (std::vector{A::kReportStarted, A::kSignal, A::kHasten, A::kKill}));
  EXPECT_EQ(state, S::kKilled);
}

TEST(WorkerTableTest, StoppedBeforeItsPidIsKnown) {
  for (const E event : {E::kStop, E::kKill}) {
    const auto [actions, state] = walk({event, E::kStarted, E::kEnded, E::kSwept});
    EXPECT_EQ(actions, (std::vector{A::kReportStartedAndKill, A::kReap, A::kReportGone}));
  }
  const auto [actions, state] = walk({E::kKill, E::kStartFailed});
  EXPECT_EQ(actions, (std::vector{A::kReportFailed}));
  EXPECT_EQ(state, S::kGone);
}

TEST(WorkerTableTest, EveryWorkerIsReportedGoneOrFailedExactlyOnce) {
  // All sequences of five events: whatever the order, there is at most one report of the end, and it comes last.
  std::vector<std::vector<E>> sequences = {{}};
  for (int length = 0; length < 5; ++length) {
    std::vector<std::vector<E>> longer;
    for (const auto& sequence : sequences) {
      for (const E event : kEvents) {
        longer.push_back(sequence);
        longer.back().push_back(event);
      }
    }
    sequences = std::move(longer);
  }
  for (const auto& sequence : sequences) {
    const auto [actions, state] = walk(sequence);
    std::size_t ends = 0;
    for (const A action : actions) ends += action == A::kReportGone || action == A::kReportFailed;
    EXPECT_EQ(ends, state == S::kGone ? 1U : 0U);
    EXPECT_TRUE(ends == 0 || actions.back() == A::kReportGone || actions.back() == A::kReportFailed);
  }
}

TEST(WorkerTableTest, NoProcessIsSignalledBeforeItIsKnownOrAfterItWasReaped) {
  for (const S state : {S::kStarting, S::kDoomed, S::kSweeping, S::kGone}) {
    for (const E event : kEvents) {
      const A action = worker_step(state, event).action;
      EXPECT_NE(action, A::kKill);
      EXPECT_NE(action, A::kSignal);
      EXPECT_NE(action, A::kReap);
    }
  }
}

TEST(WorkerTableTest, NothingLeavesGone) {
  for (const E event : kEvents) EXPECT_EQ(worker_step(S::kGone, event), (WorkerStep{A::kNothing, S::kGone}));
}

TEST(WorkerTableTest, AWorkerThatEndsIsReapedInEveryStateThatHasAProcess) {
  for (const S state : kStates) {
    const bool has_process = state == S::kRunning || state == S::kStopping || state == S::kKilled;
    EXPECT_EQ(worker_step(state, E::kEnded).action == A::kReap, has_process);
  }
}

}  // namespace
}  // namespace prong::launcher
