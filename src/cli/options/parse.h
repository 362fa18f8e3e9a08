// How a command reads its words.
#pragma once

#include "cli/commands.h"
#include "cli/help/manual.h"

namespace CLI {
class App;
}

namespace prong::cli {

/// Thrown instead of running a command whose words ask for help.
struct HelpWanted {
  Manual manual;
};

/// Gives the words to `app`, which is described by its options and `text`. Throws HelpWanted, UsageError.
void parse(CLI::App& app, const ManualText& text, const Words& words);

}  // namespace prong::cli
