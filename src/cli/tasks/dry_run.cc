#include "cli/tasks/dry_run.h"

#include "cli/inputs/sources.h"
#include "cli/output/output.h"

namespace prong::cli {
int dry_run(const Task& task, Inputs& inputs, Signals& signals) {
  Output output;
  Input input{.values = {}, .number = 0};
  const auto show_all = [&] { output.flush(); };
  while (wait_for_next(inputs, signals, input.values, show_all) == Next::kInput) {
    ++input.number;
    output.write(task.describe(input) + "\n");
  }
  output.flush();
  return signals.exit_status();
}

}  // namespace prong::cli
