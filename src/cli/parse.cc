#include "cli/parse.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "prong/error.h"

namespace prong::cli {

namespace {

constexpr std::size_t kOptionColumn = 26;

class Formatter final : public CLI::Formatter {
  // Without the default of a flag, as in "--progress{auto}".
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    const std::string name = CLI::Formatter::make_option_name(option, is_positional);
    return name.substr(0, name.find('{'));
  }
};

void show_help(const CLI::App& app, const HelpText& help) {
  Formatter formatter;
  formatter.column_width(kOptionColumn);
  const std::string options = formatter.make_groups(&app, CLI::AppFormatMode::Normal);
  std::printf("%s\n\n%s\n%s%s\n", app.get_description().c_str(), help.usage, options.c_str(), help.notes);
}

}  // namespace

bool parse(CLI::App& app, const HelpText& help, const Words& words) {
  try {
    app.parse(Words(words.rbegin(), words.rend()));  // it takes them from the end
    return true;
  } catch (const CLI::CallForHelp&) {
    show_help(app, help);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace prong::cli
