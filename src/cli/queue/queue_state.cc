#include "cli/queue/queue_state.h"

#include <array>
#include <cstddef>
#include <utility>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kEnds = "the queue ends, and cannot be paused or resumed; the next server can be asked for that";
constexpr const char* kDrains = "the queue ends when all its jobs have; it cannot be paused";
constexpr const char* kIsPaused = "the queue is paused, so that what waits would never be done; resume it first";

struct Step {
  QueuePhase next{};
  const char* refusal = nullptr;  ///< instead
};

using enum QueuePhase;
// A row is a phase, a column an event, both in the order in which they are declared.
constexpr std::array<std::array<Step, 6>, 5> kSteps = {{
    // pause                resume              drain                  give up      stop         kill
    {{{kPaused}, /*      */ {kServing}, /*  */ {kDraining}, /*      */ {kPaused}, {kStopping}, {kKilling}}},
    {{{kPaused}, /*      */ {kServing}, /*  */ {kPaused, kIsPaused}, {kPaused}, {kStopping}, {kKilling}}},
    {{{kDraining, kDrains}, {kDraining}, /* */ {kDraining}, /*      */ {kPaused}, {kStopping}, {kKilling}}},
    {{{kStopping, kEnds}, {kStopping, kEnds}, {kStopping}, {kStopping}, {kStopping}, {kKilling}}},
    {{{kKilling, kEnds}, {kKilling, kEnds}, {kKilling}, {kKilling}, {kKilling}, {kKilling}}},
}};

}  // namespace

std::string_view QueueState::name() const {
  constexpr std::array<std::string_view, 5> kNames = {"serving", "paused", "draining", "stopping", "stopping"};
  return kNames.at(static_cast<std::size_t>(phase_));
}

bool QueueState::on(QueueEvent event) {
  const Step& step = kSteps.at(static_cast<std::size_t>(phase_)).at(static_cast<std::size_t>(event));
  if (step.refusal != nullptr) throw UsageError(step.refusal);
  if (event == QueueEvent::kPause || event == QueueEvent::kResume) failed_starts_ = 0;
  return std::exchange(phase_, step.next) != step.next;
}

bool QueueState::start_failed() {
  constexpr int kMost = 3;
  return ++failed_starts_ >= kMost && on(QueueEvent::kGiveUp);
}

}  // namespace prong::cli
