// prong map [options] file.py:function ::: inputs
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/exit_status.h"
#include "cli/map_result.h"
#include "cli/parse.h"
#include "cli/python.h"
#include "cli/shell_text.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kUsage = R"(Usage: prong map [options] file.py:function ::: input ...
       prong map [options] module:function < inputs, one per line)";

constexpr const char* kNotes = R"(
The function is called with each input, a str, in worker processes that have imported it once. Its results are
shown one per line, as str() gives them. What it prints goes to standard error.
With --json each job is one object: input, outcome, value or exception, attempts, seconds. Values that JSON does
not have are shown as str() gives them.

Python is $PRONG_PYTHON, else the python3 beside this program, else the python3 in PATH; it must have the package prong.

Exit status: 0 if all jobs succeeded, the number of failed jobs up to 100, 101 if more,
130 after Ctrl-C (once: running jobs may end; twice: they are killed), 255 in case of trouble.)";

class FunctionTask final : public Task {
 public:
  FunctionTask(std::string function, bool json) : function_(std::move(function)), json_(json) {}

  PoolOptions pool_options() const override {
    PoolOptions options;
    options.start = StartKind::kFresh;
    options.program = python_map_worker(function_, json_);
    // The worker's initializer imports the function, so that a wrong name ends everything with one message.
    options.initializer = encode_map_input({});
    return options;
  }

  Payload payload(const Input& input) const override { return encode_map_input(input.values); }
  std::string describe(const Input& input) const override { return function_ + " " + shell_join(input.values); }
  bool succeeded(const Job& job) const override { return prong::succeeded(job.outcome(), false); }

  void show(const Input& input, const Job& job, const std::string& prefix, Output& output) const override {
    if (json_)
      output.write(map_json(input, job) + "\n");
    else if (const auto* returned = std::get_if<Returned>(&job.outcome()))
      output.write(prefix + std::string(decode_map_value(returned->value)) + "\n");
  }

  std::string complaint(const Job& job) const override { return prong::describe(job.outcome()); }

 private:
  std::string function_;
  bool json_;
};

void check_function(const Words& words) {
  if (words.empty()) throw UsageError("which function is to be called? Write file.py:function or module:function");
  if (words.size() > 1) throw UsageError("'" + words[1] + "' follows the function; inputs come after ':::'");
  const std::string& name = words.front();
  const auto colon = name.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == name.size())
    throw UsageError("'" + name + "' does not name a function; write file.py:function or module:function");
}

}  // namespace

int map_command(const Words& words) {
  CLI::App app("Calls a Python function with each input, several at a time.", "prong map");
  Settings settings;
  bool json = false;
  add_settings(app, settings);
  app.add_flag("--json", json, "Show one JSON object per job");
  if (!parse(app, {kUsage, kNotes}, words)) return kAllDone;
  Arguments arguments = arguments_after_options(app);
  check_function(arguments.command);
  return execute(settings, arguments,
                 [&](const Words&) { return std::make_unique<FunctionTask>(arguments.command.front(), json); });
}

}  // namespace prong::cli
