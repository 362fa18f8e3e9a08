// prong run [options] command {} ::: inputs
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/command_template.h"
#include "cli/commands.h"
#include "cli/execute.h"
#include "cli/exit_status.h"
#include "cli/parse.h"
#include "prong/command.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kUsage = R"(Usage: prong run [options] command [argument ...] ::: input ... [::: input ...]
       prong run [options] command [argument ...] :::: file ...
       prong run [options] command [argument ...] < inputs, one per line
       prong run [options] < commands, one per line)";

constexpr const char* kNotes = R"(
In the command:
  {}    the input            {.}   without its extension   {#}   number of the job
  {/}   its last part        {//}  its directory           {/.}  last part without extension
  {1} {2} {-1} {name}   one value of several (columns, several sources), also as {1.} {1/} {1//} {1/.}
  Without any of them the input is added as the last argument.

A command of several words runs without a shell: each word, and each input, is one argument.
A command of one quoted word is a shell line: prong run 'gzip -c {} > {}.gz' ::: *.log
Inputs are never read as shell code.

Exit status: 0 if all jobs succeeded, the number of failed jobs up to 100, 101 if more,
130 after Ctrl-C (once: running jobs may end; twice: they are killed), 255 in case of trouble.)";

/// What a command finds around it.
struct Surroundings {
  std::string directory;  ///< with replacement strings; empty: that of this program
  Words variables;        ///< NAME=value, beyond those of this program
};

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

// Unset: nothing is to be changed.
std::optional<Words> environment_with(const Words& variables) {
  if (variables.empty()) return std::nullopt;
  Words all = variables;
  for (char** inherited = environ; *inherited != nullptr; ++inherited) {
    const auto same_name = [&](const std::string& variable) { return name_of(variable) == name_of(*inherited); };
    if (std::ranges::none_of(variables, same_name)) all.emplace_back(*inherited);
  }
  return all;
}

void check_variables(const Words& variables) {
  for (const std::string& variable : variables)
    if (variable.find('=') == std::string::npos || variable.front() == '=')
      throw UsageError("--env: '" + variable + "' sets no variable; write NAME=value");
}

class CommandTask final : public Task {
 public:
  CommandTask(const Words& command, CommandForm form, const Surroundings& surroundings, const ReplacementNames& names)
      : template_(make_command_template(command, form, names)),
        directory_(surroundings.directory, names),
        environment_(environment_with(surroundings.variables)) {}

  PoolOptions pool_options() const override { return {.start = StartKind::kCommand}; }
  Payload payload(const Input& input) const override {
    return encode(Command{.arguments = template_->arguments(input),
                          .directory = directory_.expand(input).front(),
                          .environment = environment_});
  }
  std::string describe(const Input& input) const override { return template_->describe(input); }
  bool succeeded(const Job& job) const override { return prong::succeeded(job.outcome(), true); }

  void show(const Input&, const Job& job, const std::string& prefix, Output& output) const override {
    if (job.attempts().empty()) return;
    const Attempt& last = job.attempts().back();
    if (prefix.empty()) {
      output.write(last.output.text());
      output.write_error(last.error_output.text());
      return;
    }
    put_with_prefix(prefix, last.output.text(), [&](std::string_view line) { output.write(line); });
    put_with_prefix(prefix, last.error_output.text(), [&](std::string_view line) { output.write_error(line); });
  }

  // A plain exit status is the command's own way to tell; it is in the job log and in the exit status.
  std::string complaint(const Job& job) const override {
    if (std::holds_alternative<Exited>(job.outcome())) return {};
    const auto* not_started = std::get_if<Raised>(&job.outcome());
    return not_started ? not_started->message : prong::describe(job.outcome());
  }

 private:
  std::unique_ptr<CommandTemplate> template_;
  TemplateString directory_;
  std::optional<Words> environment_;
};

}  // namespace

int run_command(const Words& words) {
  CLI::App app("Runs a command line for each input, several at a time.", "prong run");
  Settings settings;
  bool with_shell = false;
  Surroundings surroundings;
  ReplacementNames names;
  add_settings(app, settings);
  app.add_flag("--shell", with_shell, "Join the words of the command to a shell line");
  app.add_option("--cwd", surroundings.directory, "Run each command in this folder; may have replacement strings")
      ->type_name("FOLDER");
  app.add_option("--env", surroundings.variables, "Set a variable for the commands; may be given several times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-I,--replace", names.input, "Use TEXT in the place of {}")->type_name("TEXT");
  if (!parse(app, {kUsage, kNotes}, words)) return kAllDone;
  Arguments arguments = arguments_after_options(app);
  check_variables(surroundings.variables);
  if (names.input.empty()) throw UsageError("-I: the text that stands for the input is empty");
  const CommandForm form{.with_shell = with_shell, .repeats_words = settings.sources.fill};
  return execute(settings, arguments, [&](Words column_names) {
    names.columns = std::move(column_names);
    return std::make_unique<CommandTask>(arguments.command, form, surroundings, names);
  });
}

}  // namespace prong::cli
