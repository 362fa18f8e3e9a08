#include "cli/tasks/dry_run.h"

#include "cli/inputs/sources.h"
#include "cli/output/output.h"

namespace prong::cli {
int dry_run(const JournalSettings& journal, const Task& task, Inputs& inputs, Signals& signals) {
  Output output;
  RecordPreview preview(journal, task);
  Input input{.values = {}, .number = 0};
  const auto show_all = [&] { output.flush(); };
  while (wait_for_next(inputs, signals, input.values, show_all) == Next::kInput) {
    ++input.number;
    if (preview.admit(input)) output.write(task.describe(input) + "\n");
  }
  output.flush();
  return signals.exit_status();
}

}  // namespace prong::cli
