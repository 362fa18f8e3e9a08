// prong run [options] command {} ::: inputs
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/help/manual_texts.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/unquoted.h"
#include "cli/output/pieces.h"
#include "cli/session/execute.h"
#include "cli/session/run_events.h"
#include "cli/tasks/command_template.h"
#include "cli/tasks/shell_text.h"
#include "prong/command.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

ManualText manual_text() {
  return {
      .usage = {"prong run [options] command [argument ...] ::: input ...",
                "prong run [options] command [argument ...] :::: file ...",
                "prong run [options] command [argument ...] < inputs, one per line",
                "prong run [options] < commands, one per line"},
      .sections = {inputs_section(),
                   {.title = kCommandsGroup,
                    .paragraphs = {{.text = "A command of several words runs without a shell: each word, and each "
                                            "input, is one argument. A command of one quoted word is a shell line, as "
                                            "in 'gzip -c {} > {}.gz'. Inputs are never read as shell code."},
                                   {.text = "In the command stand for the input (without any of these, it is added as "
                                            "the last argument):"},
                                   {"{}", "the input"},
                                   {"{.}", "the input without its extension"},
                                   {"{/} {//} {/.}", "its last part, its directory, its last part without extension"},
                                   {"{1} {2} {-1} {name}",
                                    "one value of several (columns, several sources), also as "
                                    "{1.} {1/} {1//} {1/.}"},
                                   {"{#}", "the number of the job"}}},
                   exit_status_section()},
      .examples = {{"Compress logs, four at a time", "prong run -j 4 gzip ::: *.log"},
                   {"Files that find finds, whatever their names are",
                    "find . -name '*.jpeg' -print0 | prong run -0 mv {} {.}.jpg"},
                   {"A shell line for each line of a file, results in the order of the file",
                    "prong run -k 'sort {} | head -1' < list.txt"},
                   {"Columns of a table by their names",
                    "prong run -k --header : -C , echo {name} is {size} :::: table.csv"},
                   {"Every combination of two sources", "prong run -k echo {1} in {2} ::: red green ::: small large"},
                   {"At most ten seconds and 500 MB for each, tried again once",
                    "prong run --timeout 10 --memory 500M --retries 1 sh job.sh ::: 1 2"},
                   {"Go on where an interrupted run has stopped", "prong run --name weekly --resume sh job.sh ::: 1 2"},
                   {"Standard input in blocks of four lines, each to a job", "seq 9 | prong run -k --pipe -N 4 wc -l"},
                   {"See what would be run", "prong run --dry-run mv {} {.}.old ::: *.log"}},
      .operand = "COMMAND",
  };
}

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

void check_output(const Settings& settings) {
  if (settings.events && !settings.results.empty()) throw UsageError("--json shows outputs, and --results shows none");
  if (!settings.line_buffer) return;
  if (settings.throttle.free_memory > 0)
    throw UsageError("--memfree puts jobs back, and --line-buffer has shown what they wrote by then");
  if (settings.events) throw UsageError("--line-buffer shows output as it comes, and --json shows it as a whole");
  if (!settings.results.empty()) throw UsageError("--line-buffer shows output as it comes, and --results shows none");
  if (settings.job.output > 0)
    throw UsageError("--line-buffer shows output as it comes, and --output-limit is for output that is kept");
}

// From this size on a payload is in a segment.
constexpr std::size_t kWorthSegment = std::size_t{256} * 1024;

class CommandTask final : public Task {
 public:
  CommandTask(const Words& command, CommandForm form, const Surroundings& surroundings, const ReplacementNames& names,
              bool json)
      : json_(json),
        template_(make_command_template(command, form, names)),
        names_(names),
        directory_(surroundings.directory, names),
        variables_(surroundings.variables),
        environment_(environment_with(surroundings.variables)),
        pipes_(!form.appends_input) {}

  PoolOptions pool_options() const override { return {.start = StartKind::kCommand}; }
  Payload payload(Input& input, const OutputPaths* live) const override {
    std::string block;
    if (pipes_) block = std::move(std::exchange(input.values, {}).front());
    Command command{.arguments = template_->arguments(input),
                    .directory = directory_.expand(input).front(),
                    .environment = environment_};
    if (live) {
      command.output = command.error_output = Capture::kFile;
      command.output_file = live->output;
      command.error_output_file = live->error_output;
    }
    if (block.size() >= kWorthSegment) return encode(command, Payload::gather(std::array{as_bytes(block)}));
    if (pipes_) command.input = std::move(block);
    return encode(command);
  }
  void identify(const Input& input, ContentKey::Maker& maker) const override {
    maker.add("command").add(directory_.expand(input).front());
    for (const std::string& word : template_->arguments(input)) maker.add(word);
    if (pipes_) maker.add("block").add(input.values.front());
    maker.add("variables");
    for (const std::string& variable : variables_) maker.add(variable);
  }
  const ReplacementNames& replacement_names() const override { return names_; }
  std::string describe(const Input& input) const override { return template_->describe(input); }
  bool succeeded(const Job& job) const override { return prong::succeeded(job.outcome(), true); }

  void show_start(const Input& input, Sink& sink) const override {
    if (json_) show_started(input, describe(input), sink);
  }

  void show(const Input& input, const Job& job, const std::string& prefix, Sink& sink) const override {
    if (json_) return show_ended(input, job, sink);
    const Outputs outputs = this->outputs(job);
    Prefixer output(prefix);
    for_each_piece(outputs.output, [&](std::string_view piece) {
      output.put(piece, [&](std::string_view text) { sink.write(text); });
    });
    Prefixer error(prefix);
    for_each_piece(outputs.error_output, [&](std::string_view piece) {
      error.put(piece, [&](std::string_view text) { sink.write_error(text); });
    });
  }

  Outputs outputs(const Job& job) const override {
    if (job.attempts().empty()) return {};
    const Attempt& last = job.attempts().back();
    return {.output = last.output, .error_output = last.error_output};
  }

  // A plain exit status is the command's own way to tell; it is in the job log and in the exit status.
  std::string complaint(const Job& job) const override {
    if (std::holds_alternative<Exited>(job.outcome())) return {};
    const auto* not_started = std::get_if<Raised>(&job.outcome());
    return not_started ? not_started->message : prong::describe(job.outcome());
  }

 private:
  bool json_;
  std::unique_ptr<CommandTemplate> template_;
  ReplacementNames names_;
  TemplateString directory_;
  Words variables_;
  std::optional<Words> environment_;
  bool pipes_;  ///< inputs are blocks for its standard input
};

}  // namespace

int run_command(const Words& words) {
  CLI::App app("Run a command line for each input, several at a time", "prong run");
  Settings settings;
  bool with_shell = false;
  Surroundings surroundings;
  ReplacementNames names;
  add_settings(app, settings);
  add_block_settings(app, settings.sources);
  begin_group(app, kOutputGroup);
  app.add_flag("--line-buffer", settings.line_buffer, "Show whole lines as they come, of all jobs that run");
  app.add_flag("--json", settings.events, "Show one JSON object for each event: started, retried, ended");
  begin_group(app, kCommandsGroup);
  app.add_flag("--shell", with_shell, "Join the words of the command to a shell line");
  app.add_option("--cwd", surroundings.directory, "Run each command in this folder; may have replacement strings")
      ->type_name("FOLDER");
  app.add_option("--env", surroundings.variables, "Set a variable for the commands; may be given several times")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("-I,--replace", names.input, "Use TEXT in the place of {}")->type_name("TEXT");
  parse(app, manual_text(), words);
  Arguments arguments = arguments_after_options(app);
  check_variables(surroundings.variables);
  if (names.input.empty()) throw UsageError("-I: the text that stands for the input is empty");
  check_output_was_quoted(names);
  settings.command_line = "prong run " + shell_join(words);
  check_output(settings);
  const bool pipes = settings.sources.pipe;
  if (pipes && arguments.command.empty()) throw UsageError("--pipe: which command is to read the blocks?");
  const CommandForm form{.with_shell = with_shell, .appends_input = !pipes, .repeats_words = settings.sources.fill};
  if (settings.sources.fill) settings.sources.length = command_length(arguments.command, form, names);
  return execute(settings, arguments, [&](Words column_names) {
    names.columns = std::move(column_names);
    return std::make_unique<CommandTask>(arguments.command, form, surroundings, names, settings.events);
  });
}

}  // namespace prong::cli
