// How a command reads its words.
#pragma once

#include "cli/commands.h"

namespace CLI {
class App;
}

namespace prong::cli {

/// What --help shows around the list of options.
struct HelpText {
  const char* usage;
  const char* notes;
};

/// Gives the words to `app`. False if they asked for help: it has been shown. Throws UsageError.
bool parse(CLI::App& app, const HelpText& help, const Words& words);

}  // namespace prong::cli
