#include "cli/session/execute.h"

#include "cli/session/job_tokens.h"
#include "cli/session/session.h"
#include "cli/tasks/dry_run.h"

namespace prong::cli {
namespace {

/// Null: there is no jobserver.
std::unique_ptr<JobTokens> open_tokens(const Settings& settings) {
  if (settings.dry_run) return nullptr;
  std::unique_ptr<JobTokens> tokens = JobTokens::of_make();
  if (tokens || !settings.jobserver) return tokens;
  return JobTokens::own(settings.workers > 0 ? settings.workers : usable_cpus());
}

}  // namespace

int execute(const Settings& settings, Arguments& arguments, const MakeTask& make_task) {
  check(settings.journal);
  Signals signals;
  const std::unique_ptr<JobTokens> tokens = open_tokens(settings);  // while there is one thread
  const std::optional<OpenedInputs> opened = open_sources(settings.sources, arguments, signals);
  if (!opened) return signals.exit_status();
  const std::unique_ptr<Task> task = make_task(opened->column_names);
  if (settings.dry_run) return dry_run(settings.journal, *task, *opened->inputs, signals);
  return Session(settings, *task, *opened->inputs, opened->column_names, signals, tokens.get()).run();
}

}  // namespace prong::cli
