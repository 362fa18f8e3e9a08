#include "journal/states.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace prong {
namespace {

constexpr std::array<std::pair<JobState, std::string_view>, 5> kNames = {{{JobState::kNew, "new"},
                                                                          {JobState::kQueued, "queued"},
                                                                          {JobState::kDispatched, "dispatched"},
                                                                          {JobState::kDone, "done"},
                                                                          {JobState::kFailed, "failed"}}};

}  // namespace

std::string_view job_state_name(JobState state) noexcept {
  return std::ranges::find(kNames, state, &decltype(kNames)::value_type::first)->second;
}

std::string_view journal::run_kind_name(RunKind kind) noexcept {
  return kind == RunKind::kQueue ? "queue" : "run";
}

JobState journal::job_state_of(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &decltype(kNames)::value_type::second);
  if (found == kNames.end())
    throw JournalError("a job of the journal has the unknown state '" + std::string(name) + "'");
  return found->first;
}

}  // namespace prong
