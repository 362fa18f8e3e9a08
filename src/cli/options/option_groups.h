// The subjects that options are grouped by in the help. An option names its group where it is added; so does a section
// of prose that is about the same subject.
#pragma once

#include <array>
#include <string_view>

namespace CLI {
class App;
}

namespace prong::cli {

inline constexpr const char* kInputsGroup = "Inputs";
inline constexpr const char* kCommandsGroup = "Commands";
inline constexpr const char* kFunctionsGroup = "Functions";
inline constexpr const char* kStartsGroup = "Starting jobs";
inline constexpr const char* kLimitsGroup = "Limits";
inline constexpr const char* kFailuresGroup = "Failures";
inline constexpr const char* kOutputGroup = "Output";
inline constexpr const char* kRecordsGroup = "Progress and records";
inline constexpr const char* kJournalGroup = "Journal";
inline constexpr const char* kOtherGroup = "Other";
inline constexpr const char* kExitStatusGroup = "Exit status";
inline constexpr const char* kEnvironmentGroup = "Environment";

/// In the order of the help; any others come before kOtherGroup.
inline constexpr std::array<std::string_view, 12> kGroupOrder = {
    kInputsGroup, kCommandsGroup, kFunctionsGroup, kStartsGroup, kLimitsGroup,     kFailuresGroup,
    kOutputGroup, kRecordsGroup,  kJournalGroup,   kOtherGroup,  kExitStatusGroup, kEnvironmentGroup};

/// The options of `app` that are added next are about this subject.
void begin_group(CLI::App& app, const char* group);

}  // namespace prong::cli
