// prong log [options] FILE|NAME
#include <cstdio>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/log/log_rows.h"
#include "cli/log/log_summary.h"
#include "cli/log/timeline.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/output/output.h"
#include "cli/session/recorder.h"
#include "prong/error.h"
#include "prong/journal.h"

namespace prong::cli {
namespace {

constexpr const char* kChoiceGroup = "Which jobs";

ManualText manual_text() {
  return {
      .usage = {"prong log [options] FILE", "prong log [options] NAME"},
      .sections = {{.title = kChoiceGroup,
                    .paragraphs = {{.text = "Shown are the jobs of the last run that the journal FILE has, or that of "
                                            "runs with --name NAME, one line each."}}}},
      .examples = {{"What failed", "prong log nightly --failed"},
                   {"All attempts of job 2, and what it wrote", "prong log nightly --job 2"},
                   {"What the failed jobs wrote", "prong log nightly --output --failed"},
                   {"Counts, rates, times, the slowest jobs", "prong log nightly --summary"},
                   {"A picture of what ran where and when", "prong log nightly --timeline t.svg"}},
  };
}

struct LogSettings {
  std::string journal;
  std::int64_t run = 0;  ///< 0: the last
  std::optional<std::uint64_t> job;
  LogFilter filter;
  LogFormat format = LogFormat::kTable;
  bool runs = false;
  bool output = false;
  bool summary = false;
  std::string timeline;
};

std::string file_of(const std::string& journal) {
  if (journal.find('/') != std::string::npos || std::filesystem::exists(journal)) return journal;
  const std::string named = journal_path_of_name(journal);
  if (std::filesystem::exists(named)) return named;
  throw UsageError("there is no journal '" + journal + "', neither here nor as '" + named + "'");
}

JournalRun run_of(JournalReader& reader, std::int64_t wanted) {
  const std::vector<JournalRun> runs = reader.runs();
  if (runs.empty()) throw UsageError("the journal has no run yet");
  if (wanted == 0) return runs.back();
  for (const JournalRun& run : runs)
    if (run.id == wanted) return run;
  throw UsageError(fmt::format("--run: there is no run {}; the last one is {}", wanted, runs.back().id));
}

void show_runs(JournalReader& reader, Output& output) {
  for (const JournalRun& run : reader.runs()) output.write(run_line(run) + "\n");
}

void show_output(JournalReader& reader, const JournalJob& job, Output& output) {
  const JournalOutput kept = reader.output(job.id, job.attempts);
  output.write(is_pickled(job) ? pickle_text(job.last.output_bytes) : kept.output);
  output.write_error(kept.error_output);
}

void show_job(JournalReader& reader, const JournalRun& run, std::uint64_t number, Output& output) {
  const std::optional<JournalJob> job = reader.job(run.id, number);
  if (!job) throw UsageError(fmt::format("--job: run {} has no job {}", run.id, number));
  output.write(job_heading(*job));
  for (const JournalAttempt& attempt : reader.attempts(job->id)) {
    output.write(attempt_line(attempt));
    const JournalOutput kept = reader.output(job->id, attempt.number);
    const std::string shown = is_pickled(*job) ? pickle_text(attempt.output_bytes) : kept.output;
    output.write(indented("output", shown, is_pickled(*job) ? shown.size() : attempt.output_bytes));
    output.write(indented("error output", kept.error_output, attempt.error_output_bytes));
  }
}

void show_jobs(JournalReader& reader, const JournalRun& run, const LogSettings& settings, Output& output) {
  output.write(rows_heading(settings.format));
  reader.each_job(run.id, [&](const JournalJob& job) {
    if (!settings.filter.matches(job)) return;
    if (settings.output)
      show_output(reader, job, output);
    else
      output.write(row_of(job, settings.format));
  });
}

void show(JournalReader& reader, LogSettings& settings, Output& output) {
  if (settings.runs) return show_runs(reader, output);
  const JournalRun run = run_of(reader, settings.run);
  if (settings.job) return show_job(reader, run, *settings.job, output);
  if (!settings.timeline.empty()) return write_timeline(reader, run, settings.timeline);
  if (settings.summary) return output.write(summary_of(reader, run, settings.filter));
  if (settings.output) settings.format = LogFormat::kNone;
  show_jobs(reader, run, settings, output);
}

}  // namespace

int log_command(const Words& words) {
  CLI::App app("Show what a journal has kept of the jobs of a run", "prong log");
  LogSettings settings;
  app.add_option("journal", settings.journal, "A file, or the name of runs with --name");
  begin_group(app, kChoiceGroup);
  add_parsed(app, "--run", "N", "Another run than the last one",
             [&](const std::string& text) { settings.run = static_cast<std::int64_t>(parse_number(text)); });
  app.add_flag("--runs", settings.runs, "List the runs");
  add_parsed(app, "--job", "N", "One job by its number: its attempts, and what they wrote",
             [&](const std::string& text) { settings.job = parse_number(text); });
  app.add_flag("--failed", settings.filter.failed, "Only jobs that failed");
  app.add_flag("--unfinished", settings.filter.unfinished, "Only jobs that have not ended");
  add_parsed(app, "--slower", "TIME", "Only jobs that took longer than TIME",
             [&](const std::string& text) { settings.filter.slower = parse_duration(text); });
  add_parsed(app, "--worker", "PID", "Only jobs that this process ran last",
             [&](const std::string& text) { settings.filter.worker = static_cast<int>(parse_number(text)); });
  begin_group(app, "What is shown of them");
  app.add_flag("--output", settings.output, "Show what the jobs wrote, in their order");
  app.add_flag_callback(
      "--json", [&] { settings.format = LogFormat::kJson; }, "One JSON object per job");
  app.add_flag_callback(
      "--csv", [&] { settings.format = LogFormat::kCsv; }, "A table with commas and a heading");
  app.add_flag_callback(
      "--joblog", [&] { settings.format = LogFormat::kJobLog; }, "GNU parallel's format");
  app.add_flag("--summary", settings.summary, "Counts, rates, times, and the slowest jobs");
  app.add_option("--timeline", settings.timeline, "Write a picture (SVG) of what ran where to FILE")->type_name("FILE");
  parse(app, manual_text(), words);
  if (settings.journal.empty()) throw UsageError("which journal? Write its FILE, or the NAME of runs or of a queue");
  JournalReader reader(file_of(settings.journal));
  Output output;
  show(reader, settings, output);
  output.flush();
  return kAllDone;
}

}  // namespace prong::cli
