#include "cli/options/settings.h"

#include <functional>

#include <CLI/CLI.hpp>

#include "cli/nearest.h"
#include "cli/options/foreign_options.h"
#include "cli/options/job_settings.h"
#include "cli/options/option_groups.h"
#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/options/stop_signals.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

// GNU parallel takes a regular expression here; nearly all who use it write the one that takes the whole line.
bool is_header_mark(const std::string& text) {
  if (text != ":") throw UsageError("'" + text + "' is not ':', which says that the first line names the columns");
  return true;
}

const std::string& nonempty_key(const std::string& text) {
  if (text.empty()) throw UsageError("the key is empty; write {} for the whole input");
  return text;
}

auto into(JobOptions& options) {
  return [&options](const JobSetting& setting, const std::string& text) { setting.set(text, options); };
}

void add_start_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kStartsGroup);
  add_parsed(app, "-j,-P,--jobs,--max-procs", "N",
             "Run N jobs at a time: 4, 50% of the CPUs, or +1 more than these; default: one per CPU",
             [&](const std::string& text) { settings.workers = parse_workers(text, usable_cpus()); });
  add_parsed(app, "--delay", "TIME", "Wait so long between the starts of two jobs",
             [&](const std::string& text) { settings.delay = parse_duration(text); });
  add_parsed(app, "--load", "MAX",
             "Start jobs only while fewer than MAX processes of the machine run or wait: 4, or 80% of the CPUs",
             [&](const std::string& text) { settings.throttle.load = parse_load(text, usable_cpus()); });
  add_parsed(app, "--memfree", "SIZE",
             "Start jobs only while so much memory is available; below half of it, put the youngest job back",
             [&](const std::string& text) { settings.throttle.free_memory = parse_size(text); });
  app.add_flag("--jobserver", settings.jobserver, "Share the number of jobs with each make that a job starts");
  add_parsed(app, "--nice", "N", "Run jobs at a niceness so much higher: 1 to 19",
             [&](const std::string& text) { settings.niceness = parse_niceness(text); });
  app.add_flag("--dry-run", settings.dry_run, "Show what would be run, and run nothing");
}

void add_limit_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kLimitsGroup);
  add_job_settings(app, limit_settings(), into(settings.job));
  add_parsed(app, "--queue-time", "TIME", "Give up a job that has not begun TIME after its input was read",
             [&](const std::string& text) { settings.job.queue_time = parse_duration(text); });
  add_parsed(app, "--stall", "TIME", "Kill the jobs that run when none was finished for TIME",
             [&](const std::string& text) { settings.stall = parse_duration(text); });
  add_parsed(app, "--budget", "TIME", "End the whole run after TIME",
             [&](const std::string& text) { settings.budget = parse_duration(text); });
  add_parsed(app, "--term-seq,--termseq", "SEQUENCE",
             "End jobs by these signals, with ms between: TERM,200,INT,1s,KILL; default: TERM,500,KILL",
             [&](const std::string& text) { settings.stop_signals = parse_stop_signals(text); });
}

void add_failure_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kFailuresGroup);
  add_job_settings(app, failure_settings(), into(settings.job));
  add_parsed(app, "--halt", "RULE",
             "Start no more jobs (soon), or kill all (now), when so many have failed, succeeded or ended: now,fail=1 "
             "soon,success=3 now,done=10%",
             [&](const std::string& text) { settings.halt = parse_halt(text); });
}

}  // namespace

void add_input_settings(CLI::App& app, SourceSettings& sources) {
  begin_group(app, kInputsGroup);
  app.add_option("-a,--arg-file", sources.files,
                 "Read inputs from FILE, one per line (-: standard input); may be given several times")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag_callback(
      "-0,--null", [&] { sources.delimiter = '\0'; }, "Inputs that are read end with a NUL byte, not with a line end");
  add_parsed(app, "-d,--delimiter", "CHAR", "Inputs that are read end with CHAR: a byte, or \\t, \\n, \\0, \\x1f",
             [&](const std::string& text) { sources.delimiter = parse_character(text); });
  app.add_option("-C,--colsep", sources.column_separator,
                 "Cut each input at this regular expression: {1}, {2}, ... are the columns")
      ->type_name("REGEX");
  app.add_flag("--csv", sources.csv, "Inputs are rows of CSV; -C ';': with another character between the columns");
  app.add_flag("--tsv", sources.tsv, "The same, with tabs between the columns");
  add_parsed(app, "--header", ":", "The first line of each source names its columns: {name}",
             [&](const std::string& text) { sources.header = is_header_mark(text); });
  app.add_flag("--link", sources.link, "Take several sources side by side, not in every combination");
  add_parsed(app, "-n,-N,--max-args", "N", "Give each job up to N inputs",
             [&](const std::string& text) { sources.most_values = parse_count(text); });
  add_parsed(app, "--key", "KEY", "Skip inputs whose key came before in this run: {} (the input), {1}, {/}, '{1} {2}'",
             [&](const std::string& text) { sources.key = nonempty_key(text); });
  app.add_flag("-X,--fill", sources.fill, "Give each job as many inputs as a command line takes");
  add_parsed(app, "-s,--max-bytes", "SIZE", "How long that is at most; default: 128K",
             [&](const std::string& text) { sources.most_bytes = parse_size(text); });
}

void add_block_settings(CLI::App& app, SourceSettings& sources) {
  begin_group(app, kInputsGroup);
  app.add_flag_callback(
      "--pipe", [&] { sources.pipe = true; }, "Cut standard input into blocks, each the standard input of a job");
  add_parsed(app, "--block", "SIZE", "With --pipe: so much in each, or one record; default: 1M",
             [&](const std::string& text) { sources.blocks.bytes = parse_size(text); });
  add_parsed(app, "--recend", "TEXT", "With --pipe: what ends a record, as \\n (the default), ---\\n, \\0",
             [&](const std::string& text) { sources.record_end = parse_text(text); });
  add_parsed(app, "--recstart", "TEXT", "With --pipe: what begins a record",
             [&](const std::string& text) { sources.blocks.record_start = parse_text(text); });
  for (const char* name : {"--block", "--recend", "--recstart"}) app.get_option(name)->needs(app.get_option("--pipe"));
}

namespace {

void add_output_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kOutputGroup);
  app.add_flag("-k,--keep-order", settings.keep_order, "Show results in the order of the inputs");
  app.add_flag("--tag", settings.tag, "Begin each line of output with the input and a tab");
  app.add_option(
         "--results", settings.results,
         "Write outputs into PATH, a folder for each job, or into one table PATH.csv or PATH.tsv, and show none")
      ->type_name("PATH");
}

ProgressMode progress_mode_of(const std::string& text) {
  if (text == "auto") return ProgressMode::kOnTerminal;
  if (text == "always") return ProgressMode::kAlways;
  if (text == "never") return ProgressMode::kOff;
  throw UsageError("'" + text + "' does not say when to show it: write auto, always or never");
}

void add_progress(CLI::App& app, const std::string& name, ProgressMode& mode, const std::string& help) {
  const auto store = [name, &mode](const std::string& text) {
    try {
      mode = progress_mode_of(text);
    } catch (const UsageError& error) {
      throw UsageError(name + ": " + error.what());
    }
  };
  CLI::Option* const option = app.add_flag(name + "{auto}", help);
  option->each(store)->type_name("auto|always|never");
}

void add_record_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kRecordsGroup);
  add_progress(app, "--progress", settings.progress.line,
               "Show a live line on a terminal; always: lines elsewhere, too");
  add_progress(app, "--bar", settings.progress.bar, "Show a bar on a terminal; always: as lines elsewhere, too");
  app.add_option("--joblog", settings.job_log, "Write a line per finished job to FILE, in GNU parallel's format")
      ->type_name("FILE");
}

void add_journal_settings(CLI::App& app, Settings& settings) {
  begin_group(app, kJournalGroup);
  JournalSettings& journal = settings.journal;
  app.add_option("--journal", journal.file, "Keep every job, attempt and outcome in FILE: see --resume and prong log")
      ->type_name("FILE");
  app.add_option("--name", journal.name, "The same, in a file of that name in ~/.local/state/prong")->type_name("NAME");
  app.add_flag("--resume", journal.resume, "Go on with the last run of the journal: skip jobs that ended in it");
  app.add_flag("--retry-failed", journal.retry_failed,
               "Run the jobs that failed in the last run; with --resume also those that have not ended");
  app.add_flag("--leave-unknown", journal.leave_unknown,
               "On --resume do not run what had begun when prong was killed; it counts as failed");
  app.add_option("--key-files", journal.key_files,
                 "A job whose file FILE has changed is another one; may have replacement strings")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("--durable", journal.durable, "Show a result only when the disk has it, so that a power cut loses none");
}

std::string about_unknown_option(const std::string& word, const CLI::App& app) {
  const std::string message = "unknown option '" + word + "'; ";
  if (const auto advice = advice_on_foreign_option(word)) return message + *advice;
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  if (word.starts_with("--"))
    if (const auto meant = nearest(word.substr(0, word.find('=')), names))
      return message + "did you mean " + *meant + "?";
  return message + "a command that begins with '-' goes after '--'";
}

}  // namespace

void add_settings(CLI::App& app, Settings& settings) {
  app.prefix_command();
  add_input_settings(app, settings.sources);
  add_start_settings(app, settings);
  add_limit_settings(app, settings);
  add_failure_settings(app, settings);
  add_output_settings(app, settings);
  add_record_settings(app, settings);
  add_journal_settings(app, settings);
  begin_group(app, kOtherGroup);
}

Arguments arguments_after_options(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  if (!words.empty() && words.front() == "--") {
    words.erase(words.begin());
  } else if (!words.empty() && words.front().size() > 1 && words.front().front() == '-') {
    throw UsageError(about_unknown_option(words.front(), app));
  }
  return split_arguments(std::move(words));
}

}  // namespace prong::cli
