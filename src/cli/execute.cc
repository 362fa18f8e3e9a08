#include "cli/execute.h"

#include "cli/dry_run.h"
#include "cli/session.h"

namespace prong::cli {

int execute(const Settings& settings, Arguments& arguments, const MakeTask& make_task) {
  Signals signals;
  const std::optional<OpenedInputs> opened = open_sources(settings.sources, arguments, signals);
  if (!opened) return signals.exit_status();
  const std::unique_ptr<Task> task = make_task(opened->column_names);
  if (settings.dry_run) return dry_run(*task, *opened->inputs, signals);
  return Session(settings, *task, *opened->inputs, signals).run();
}

}  // namespace prong::cli
