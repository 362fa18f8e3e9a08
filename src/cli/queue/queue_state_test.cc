#include "cli/queue/queue_state.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "prong/error.h"

namespace prong::cli {
namespace {

using enum QueuePhase;
using enum QueueEvent;
using Next = std::optional<QueuePhase>;
constexpr Next kRefused = std::nullopt;

constexpr std::array kEvents = {kPause, kResume, kDrain, kGiveUp, kStop, kKill};

struct Row {
  QueuePhase phase;
  std::array<Next, kEvents.size()> next;
};
constexpr std::array kTable = {
    //               pause     resume    drain      give up    stop       kill
    Row{kServing, {{kPaused, kServing, kDraining, kPaused, kStopping, kKilling}}},
    Row{kPaused, {{kPaused, kServing, kRefused, kPaused, kStopping, kKilling}}},
    Row{kDraining, {{kRefused, kDraining, kDraining, kPaused, kStopping, kKilling}}},
    Row{kStopping, {{kRefused, kRefused, kStopping, kStopping, kStopping, kKilling}}},
    Row{kKilling, {{kRefused, kRefused, kKilling, kKilling, kKilling, kKilling}}},
};

QueueState in_phase(QueuePhase phase) {
  QueueState state(phase == kPaused);
  if (phase == kDraining) state.on(kDrain);
  if (phase == kStopping) state.on(kStop);
  if (phase == kKilling) state.on(kKill);
  EXPECT_EQ(state.phase(), phase);
  return state;
}

TEST(QueueStateTest, EveryEventInEveryPhaseHasItsStep) {
  for (const Row& row : kTable) {
    for (std::size_t i = 0; i < kEvents.size(); ++i) {
      SCOPED_TRACE(std::string(in_phase(row.phase).name()) + ", event " + std::to_string(i));
      QueueState state = in_phase(row.phase);
      if (row.next[i]) {
        EXPECT_EQ(state.on(kEvents[i]), *row.next[i] != row.phase);
        EXPECT_EQ(state.phase(), *row.next[i]);
      } else {
        EXPECT_THROW(state.on(kEvents[i]), UsageError);
        EXPECT_EQ(state.phase(), row.phase);
      }
    }
  }
}

TEST(QueueStateTest, WhatIsDoneInEachPhase) {
  struct Expected {
    QueuePhase phase;
    const char* name;
    bool takes, starts, stops;
  };
  constexpr std::array kExpected = {
      Expected{kServing, "serving", true, true, false},    Expected{kPaused, "paused", true, false, false},
      Expected{kDraining, "draining", false, true, false}, Expected{kStopping, "stopping", false, false, true},
      Expected{kKilling, "stopping", false, false, true},
  };
  for (const Expected& expected : kExpected) {
    const QueueState state = in_phase(expected.phase);
    EXPECT_EQ(state.name(), expected.name);
    EXPECT_EQ(state.takes_jobs(), expected.takes) << expected.name;
    EXPECT_EQ(state.starts_jobs(), expected.starts) << expected.name;
    EXPECT_EQ(state.is_stopping(), expected.stops) << expected.name;
  }
}

TEST(QueueStateTest, ItPausesWhenThreeJobsInARowCannotBeStarted) {
  QueueState state(false);
  EXPECT_FALSE(state.start_failed());
  EXPECT_FALSE(state.start_failed());
  state.start_succeeded();
  EXPECT_FALSE(state.start_failed());
  EXPECT_FALSE(state.start_failed());
  EXPECT_TRUE(state.start_failed());
  EXPECT_EQ(state.phase(), kPaused);
  EXPECT_FALSE(state.start_failed());  // it is known already
  state.on(kResume);
  EXPECT_FALSE(state.start_failed());
}

}  // namespace
}  // namespace prong::cli
