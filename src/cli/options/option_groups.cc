#include "cli/options/option_groups.h"

#include <CLI/CLI.hpp>

namespace prong::cli {

void begin_group(CLI::App& app, const char* group) {
  app.option_defaults()->group(group);
}

}  // namespace prong::cli
