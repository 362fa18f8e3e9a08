#include "cli/dry_run.h"

namespace prong::cli {
namespace {

// False at the end of the inputs, or when it is asked to stop.
bool wait_for_next(Inputs& inputs, Signals& signals, Output& output, std::string& input) {
  while (signals.wish() == Signals::Wish::kGoOn) {
    const Next next = inputs.next(input);
    if (next != Next::kNotYet) return next == Next::kInput;
    output.flush();
    const Signals::Held held;
    if (!signals.take_news()) Signals::sleep(held, std::nullopt);
  }
  return false;
}

}  // namespace

int dry_run(const Task& task, Inputs& inputs, Signals& signals) {
  Output output;
  Input input{.text = "", .number = 0};
  while (wait_for_next(inputs, signals, output, input.text)) {
    ++input.number;
    output.write(task.describe(input) + "\n");
  }
  output.flush();
  return signals.exit_status();
}

}  // namespace prong::cli
