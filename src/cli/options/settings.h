// Settings: the options that `run` and `map` have in common.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/inputs/arguments.h"
#include "cli/inputs/sources.h"
#include "cli/session/halt.h"
#include "cli/session/progress.h"
#include "cli/session/recorder.h"
#include "cli/session/throttle.h"
#include "prong/options.h"

namespace CLI {
class App;
}

namespace prong::cli {

struct Settings {
  int workers = 0;  ///< 0: one per usable CPU
  JobOptions job;
  std::chrono::nanoseconds budget{0};  ///< of the whole run; 0: none
  std::chrono::nanoseconds stall{0};   ///< 0: none
  std::chrono::nanoseconds delay{0};   ///< between the starts of two jobs; 0: none
  std::optional<HaltRule> halt;
  std::vector<StopSignal> stop_signals;  ///< empty: as pools do it
  ThrottleRules throttle;
  bool jobserver = false;  ///< jobs are offered one
  int niceness = 0;        ///< of the jobs
  bool keep_order = false;
  bool dry_run = false;
  bool tag = false;
  bool line_buffer = false;
  bool events = false;  ///< outputs are told as events, and so is each start
  ProgressStyle progress;
  std::string job_log;       ///< empty: none
  std::string results;       ///< the folder or table of results; empty: they are shown
  std::string command_line;  ///< all of it, as a shell would read it
  JournalSettings journal;
  SourceSettings sources;
};

/// Where inputs come from, and how they are cut.
void add_input_settings(CLI::App& app, SourceSettings& sources);

/// Of --pipe: inputs are blocks. After add_settings().
void add_block_settings(CLI::App& app, SourceSettings& sources);

/// Adds the options, which will be stored into `settings`, to `app`; what follows them is left to Arguments.
void add_settings(CLI::App& app, Settings& settings);

/// What stands after the options. Throws UsageError if that begins with an unknown option.
Arguments arguments_after_options(const CLI::App& app);

}  // namespace prong::cli
