#include "cli/options/parse.h"

#include <CLI/CLI.hpp>

#include "cli/options/option_groups.h"
#include "prong/error.h"

namespace prong::cli {

void parse(CLI::App& app, const ManualText& text, const Words& words) {
  app.set_help_flag("-h,--help", "Show this page")->group(kOtherGroup);
  try {
    app.parse(Words(words.rbegin(), words.rend()));  // it takes them from the end
  } catch (const CLI::CallForHelp&) {
    throw HelpWanted{make_manual(app, text)};
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace prong::cli
