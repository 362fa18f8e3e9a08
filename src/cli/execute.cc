#include "cli/execute.h"

#include "cli/dry_run.h"
#include "cli/session.h"

namespace prong::cli {

int execute(const Settings& settings, const Task& task, Arguments& arguments) {
  Signals signals;
  const std::unique_ptr<Inputs> inputs = open_inputs(settings, arguments, signals);
  if (settings.dry_run) return dry_run(task, *inputs, signals);
  return Session(settings, task, *inputs, signals).run();
}

}  // namespace prong::cli
