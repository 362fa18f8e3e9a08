#include "cli/settings.h"

#include <functional>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/quantities.h"
#include "cli/retry_causes.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

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

// GNU parallel takes a regular expression here; nearly all who use it write the one that takes the whole line.
bool is_header_mark(const std::string& text) {
  if (text != ":") throw UsageError("'" + text + "' is not ':', which says that the first line names the columns");
  return true;
}

void add_job_settings(CLI::App& app, Settings& settings) {
  add_parsed(app, "-j,--jobs", "N",
             "Jobs to run at a time: 4, 50% of the CPUs, or +1 more than these; default: one per CPU",
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
  add_parsed(app, "--backoff", "TIME", "Wait so long before the first retry, and twice as long before each other",
             [&](const std::string& text) { settings.job.retry.backoff = parse_duration(text); });
  add_parsed(app, "--retry-on", "CAUSES", "Retry only then: exit, exit=75, signal=9, exception=NAME, timeout, lost",
             [&](const std::string& text) { set_retry_causes(text, settings.job.retry); });
  add_parsed(app, "--halt", "RULE", "Start no more (soon) or kill all (now): now,fail=1 soon,success=3 now,done=10%",
             [&](const std::string& text) { settings.halt = parse_halt(text); });
  add_parsed(app, "--delay", "TIME", "Wait so long between the starts of two jobs",
             [&](const std::string& text) { settings.delay = parse_duration(text); });
}

void add_input_settings(CLI::App& app, Settings& settings) {
  SourceSettings& sources = settings.sources;
  app.add_option("-a,--arg-file", sources.files, "Read inputs from FILE, one per line (-: standard input)")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag_callback(
      "-0,--null", [&] { sources.delimiter = '\0'; }, "Inputs that are read end with a NUL byte, not with a line end");
  add_parsed(app, "-d,--delimiter", "CHAR", "Inputs that are read end with CHAR: a byte, or \\t, \\n, \\0, \\x1f",
             [&](const std::string& text) { sources.delimiter = parse_character(text); });
  app.add_option("-C,--colsep", sources.column_separator,
                 "Cut each input at this regular expression: {1}, {2}, ... are the columns")
      ->type_name("REGEX");
  add_parsed(app, "--header", ":", "The first line of each source names its columns: {name}",
             [&](const std::string& text) { sources.header = is_header_mark(text); });
  app.add_flag("--link", sources.link, "Take several sources side by side, not in every combination");
  add_parsed(app, "-n,-N,--max-args", "N", "Give each job up to N inputs",
             [&](const std::string& text) { sources.most_values = parse_count(text); });
  app.add_flag("-X,--fill", sources.fill, "Give each job as many inputs as a command line takes");
  add_parsed(app, "-s,--max-bytes", "SIZE", "How much that is; default: 128K",
             [&](const std::string& text) { sources.most_bytes = parse_size(text); });
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

}  // namespace prong::cli
