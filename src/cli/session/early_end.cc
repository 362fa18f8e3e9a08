#include "cli/session/early_end.h"

#include <fmt/format.h>

#include "prong/error.h"

namespace prong::cli {

void EarlyEnd::count_rest(Inputs& inputs) {
  more = true;
  Values values;
  try {
    while (not_run < kMostCounted) {
      const Next next = inputs.next(values);
      if (next == Next::kEnd) more = false;
      if (next != Next::kInput) return;
      ++not_run;
    }
  } catch (const SystemError&) {
    return;  // they cannot be read: how many there are is not known
  }
}

std::string EarlyEnd::text() const {
  std::string text = fmt::format("{} done", done);
  if (failed > 0) text += fmt::format(", {} of them failed", failed);
  if (killed > 0) text += fmt::format(", {} killed", killed);
  if (more && not_run == 0) return text + ", the rest of the inputs not read";
  return text + fmt::format(", {}{} not run", more ? "at least " : "", not_run);
}

}  // namespace prong::cli
