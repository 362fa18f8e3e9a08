// prong map [options] file.py:function ::: inputs
#include <algorithm>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/help/manual_texts.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/session/execute.h"
#include "cli/tasks/function_task.h"
#include "cli/tasks/map_only.h"
#include "cli/tasks/shell_text.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

ManualText manual_text() {
  return {
      .usage = {"prong map [options] file.py:function ::: input ...",
                "prong map [options] module:function < inputs, one per line"},
      .sections = {inputs_section(),
                   {.title = kFunctionsGroup,
                    .paragraphs = {{.text = "The function is called with each input, a str, in worker processes that "
                                            "have imported it once. A function of several parameters gets the values "
                                            "of several sources or columns. Results are shown one per line, as str() "
                                            "gives them. What the function prints goes to standard error."},
                                   {.text = "With --csv or --tsv the first line names the columns, and the function "
                                            "gets keyword arguments: f(name=\"x\", size=\"3\"). With --json-input it "
                                            "gets what the JSON stands for; --unpack calls f(1, 2) for [1, 2], and "
                                            "f(a=1) for {\"a\": 1}."}}},
                   {.title = kOutputGroup,
                    .paragraphs = {{.text = "With --json each job is one object: input, outcome, value or exception, "
                                            "attempts, seconds. Values that JSON does not have are shown as str() "
                                            "gives them. With --sqlite each job is a row: number, input (or a column "
                                            "for each column of CSV), outcome, value, exception, message, attempts, "
                                            "seconds, finished (seconds since 1970). The table is made, or must have "
                                            "these columns."}}},
                   exit_status_section(),
                   python_section()},
      .examples = {{"Call a function of a file", "prong map -k words.py:shout ::: one two"},
                   {"A function of the standard library, with the lines of a file",
                    "prong map -k os.path:basename < list.txt"},
                   {"Rows of a table as keyword arguments", "prong map -k --csv words.py:describe :::: table.csv"},
                   {"Results and failures as JSON, one object per line",
                    "prong map -k --json words.py:shout ::: one two"}},
  };
}

void check_name(const std::string& name) {
  const auto colon = name.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == name.size())
    throw UsageError("'" + name + "' does not name a function; write file.py:function or module:function");
}

// One that stands alone is beside the function.
void check_name_beside(const std::string& option, const std::string& name) {
  if (name.empty() || name.find(':') == std::string::npos) return;
  try {
    check_name(name);
  } catch (const UsageError& error) {
    throw UsageError(option + ": " + error.what());
  }
}

void check_function(const Words& words) {
  if (words.empty()) throw UsageError("which function is to be called? Write file.py:function or module:function");
  if (words.size() > 1) throw UsageError("'" + words[1] + "' follows the function; inputs come after ':::'");
  check_name(words.front());
}

void add_map_options(CLI::App& app, MapOptions& options) {
  begin_group(app, kFunctionsGroup);
  app.add_option("--init", options.first,
                 "Call FUNCTION once in each worker, before its first job; a name alone: beside the function")
      ->type_name("FUNCTION");
  app.add_option("--exit", options.last, "Call FUNCTION once in each worker, after its last job")
      ->type_name("FUNCTION");
  app.add_flag_callback(
      "--json-input", [&] { options.input = std::max(options.input, MapInput::kJson); },
      "Inputs are JSON, a value per line; the function gets what it stands for");
  app.add_flag_callback(
      "--unpack", [&] { options.input = MapInput::kUnpacked; },
      "The same, but f(*array) for an array, and f(**object) for an object");
  begin_group(app, kOutputGroup);
  app.add_flag_callback(
      "--json", [&] { options.result = MapResult::kJson; }, "Show one JSON object per job");
  app.add_option("--sqlite", options.sqlite_file, "Show no results, but keep each as a row of a table of database FILE")
      ->type_name("FILE");
  app.add_option("--table", options.table, "The name of this table; default: results")->type_name("NAME");
}

void add_only_options(CLI::App& app, OnlySettings& only) {
  begin_group(app, kStartsGroup);
  app.add_option("--only", only.which,
                 "Run one job in the foreground: this INPUT, or job number N of the inputs that are given")
      ->type_name("INPUT");
  app.add_flag("--pdb", only.debug, "With --only: enter the debugger at an exception");
}

void check_csv(const SourceSettings& sources, const MapOptions& options) {
  if (!sources.is_csv()) return;
  if (options.input != MapInput::kText)
    throw UsageError("--csv and --json-input (--unpack): which of them are the inputs?");
  if (sources.most_values > 1 || sources.fill)
    throw UsageError("--csv: each row is a call of its own; leave out -n and -X");
}

void check_results(const CLI::App& app, MapOptions& options) {
  const bool named = app.count("--sqlite") > 0;
  if (!named && app.count("--table") > 0) throw UsageError("--table: of which database? Name its file by --sqlite");
  if (!named) return;
  if (options.result == MapResult::kJson) throw UsageError("--sqlite and --json: where are results to go?");
  if (options.sqlite_file.empty()) throw UsageError("--sqlite: the name of the file is empty");
  if (options.table.empty()) throw UsageError("--table: the name is empty");
  options.result = MapResult::kCells;
}

}  // namespace

int map_command(const Words& words) {
  CLI::App app("Call a Python function with each input, several at a time", "prong map");
  Settings settings;
  MapOptions options;
  OnlySettings only;
  add_settings(app, settings);
  app.add_flag("--pipe", settings.sources.pipe)->group("");  // not to be offered, but refused with a reason
  add_map_options(app, options);
  add_only_options(app, only);
  parse(app, manual_text(), words);
  Arguments arguments = arguments_after_options(app);
  settings.command_line = "prong map " + shell_join(words);
  check_function(arguments.command);
  if (settings.sources.pipe) throw UsageError("--pipe: a function has no standard input of its own; see prong run");
  check_name_beside("--init", options.first);
  check_name_beside("--exit", options.last);
  check_csv(settings.sources, options);
  check_results(app, options);
  if (only.debug && !only.which) throw UsageError("--pdb: which job is to be debugged? Choose it by --only");
  options.function = arguments.command.front();
  settings.sources.header |= settings.sources.is_csv();
  if (only.which) return map_only(only, options, settings, arguments);
  return execute(settings, arguments, [&](Words columns) {
    return std::make_unique<FunctionTask>(options, settings.sources, std::move(columns));
  });
}

}  // namespace prong::cli
