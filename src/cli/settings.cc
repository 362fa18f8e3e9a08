#include "cli/settings.h"

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/quantities.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kStandardInput = "-";

// An option whose text `store` understands, or refuses by UsageError.
void add_parsed(CLI::App& app, const std::string& names, const char* type, const std::string& help,
                std::function<void(const std::string&)> store) {
  const auto named = [names, store = std::move(store)](const std::string& text) {
    try {
      store(text);
    } catch (const UsageError& error) {
      throw UsageError(names + ": " + error.what());
    }
  };
  app.add_option_function<std::string>(names, named, help)->type_name(type);
}

void add_job_settings(CLI::App& app, Settings& settings) {
  add_parsed(app, "-j,--jobs", "N", "Jobs to run at a time, or a share of the CPUs (50%); default: one per usable CPU",
             [&](const std::string& text) { settings.workers = parse_workers(text, usable_cpus()); });
  add_parsed(app, "--timeout", "TIME", "Kill a job and all that it started after TIME: seconds, or 500ms, 2m, 1h",
             [&](const std::string& text) { settings.job.timeout = parse_duration(text); });
  add_parsed(app, "--cpu-time", "TIME", "Kill a job when it and all that it started have used so much CPU time",
             [&](const std::string& text) { settings.job.cpu_time = parse_duration(text); });
  add_parsed(app, "--memory", "SIZE", "Kill a job when it and all that it started take more memory: 500M, 2G",
             [&](const std::string& text) { settings.job.memory = parse_size(text); });
  add_parsed(app, "--max-output", "SIZE", "Kill a job that writes more than SIZE to its output and error",
             [&](const std::string& text) { settings.job.output = parse_size(text); });
  add_parsed(app, "--queue-time", "TIME", "Give up a job that has not begun TIME after its input was read",
             [&](const std::string& text) { settings.job.queue_time = parse_duration(text); });
  add_parsed(app, "--budget", "TIME", "End the whole run after TIME",
             [&](const std::string& text) { settings.budget = parse_duration(text); });
  add_parsed(app, "--stall", "TIME", "Kill the jobs that run when none was finished for TIME",
             [&](const std::string& text) { settings.stall = parse_duration(text); });
  add_parsed(app, "--retries", "N", "Run a job that failed again, up to N times",
             [&](const std::string& text) { settings.job.retry.retries = parse_retries(text); });
}

void add_input_settings(CLI::App& app, Settings& settings) {
  app.add_option("-a,--arg-file", settings.input_file, "Read the inputs from FILE, one per line (-: standard input)")
      ->type_name("FILE");
  app.add_flag("-0,--null", settings.nul_delimited, "Inputs that are read end with a NUL byte, not with a line end");
}

void add_output_settings(CLI::App& app, Settings& settings) {
  static const std::map<std::string, ProgressMode> modes = {
      {"auto", ProgressMode::kOnTerminal}, {"always", ProgressMode::kAlways}, {"never", ProgressMode::kOff}};
  app.add_flag("-k,--keep-order", settings.keep_order, "Show results in the order of the inputs");
  app.add_flag("--tag", settings.tag, "Begin each line of output with the input and a tab");
  app.add_flag("--progress{auto}", settings.progress,
               "Show a live line on a terminal; --progress=always: lines elsewhere, too")
      ->transform(CLI::CheckedTransformer(modes).description(""));
  app.add_option("--joblog", settings.job_log, "Write a line per finished job to FILE, in GNU parallel's format")
      ->type_name("FILE");
  app.add_flag("--dry-run", settings.dry_run, "Show what would be run, and run nothing");
}

void tell_if_terminal(const Settings& settings) {
  if (settings.input_file.empty() && ::isatty(STDIN_FILENO))
    std::fputs("prong: reading inputs from the terminal, one per line; Ctrl-D ends them\n", stderr);
}

}  // namespace

void add_settings(CLI::App& app, Settings& settings) {
  app.prefix_command();
  add_job_settings(app, settings);
  add_input_settings(app, settings);
  add_output_settings(app, settings);
}

Arguments arguments_after_options(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  if (!words.empty() && words.front() == "--") {
    words.erase(words.begin());
  } else if (!words.empty() && words.front().size() > 1 && words.front().front() == '-') {
    throw UsageError("unknown option '" + words.front() + "'; a command that begins with '-' goes after '--'");
  }
  return split_arguments(std::move(words));
}

std::unique_ptr<Inputs> open_inputs(const Settings& settings, Arguments& arguments, const Signals& signals) {
  if (arguments.inputs) {
    if (!settings.input_file.empty())
      throw UsageError("inputs are given twice: after ':::' and by -a; use one of them");
    return inputs_from_list(std::move(*arguments.inputs));
  }
  tell_if_terminal(settings);
  const std::string path = settings.input_file.empty() ? kStandardInput : settings.input_file;
  return inputs_from_file(path, settings.delimiter(), [&signals] { signals.wake(); });
}

}  // namespace prong::cli
