#include "cli/log/log_rows.h"

#include "cli/tasks/shell_text.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output/pieces.h"
#include "cli/queue/queue_submission.h"
#include "cli/results/joblog.h"

namespace prong::cli {
namespace {

constexpr double kNsPerSecond = 1e9;

double seconds(std::int64_t time) {
  return static_cast<double>(time) / kNsPerSecond;
}

// What it came to, in a word or two; --job tells all.
std::string result_text(const JournalJob& job) {
  if (job.state == JobState::kQueued) return "not run";
  if (job.state == JobState::kDispatched) return "running or killed";
  if (job.last.outcome == "exited") return fmt::format("exit {}", job.last.code);
  if (job.last.outcome == "signalled") return fmt::format("signal {}", job.last.code);
  return job.last.outcome == "timed_out" ? "timed out" : job.last.outcome;
}

std::string result_of(const JournalAttempt& attempt) {
  if (attempt.outcome == "exited") return fmt::format("exited {}", attempt.code);
  if (attempt.detail.starts_with(attempt.outcome)) return attempt.detail;  // "lost: why", not "lost: lost: why"
  return attempt.detail.empty() ? attempt.outcome : attempt.outcome + ": " + attempt.detail;
}

std::string table_row(const JournalJob& job) {
  const bool ran = job.last.started != 0;
  return fmt::format("{:>7}  {:19}  {:>9}  {:>5}  {:<9}  {}\n", job.number, time_text(job.last.started),
                     ran ? seconds_text(seconds_of(job.last)) : "-", job.attempts, one_line(result_text(job)),
                     one_line(job.description));
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string seconds_or_nothing(double seconds, bool known) {
  return known ? fmt::format("{:.9f}", seconds) : "";
}

std::string number_or_nothing(std::int64_t number, bool known) {
  return known ? fmt::format("{}", number) : "";
}

// What is not known, or not yet, is an empty field.
std::string csv_row(const JournalJob& job) {
  const JournalAttempt& last = job.last;
  const bool tried = job.attempts > 0;
  const bool started = last.started != 0;
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", job.number, job_state_name(job.state),
                     job.attempts, last.outcome, number_or_nothing(last.code, tried), csv_field(last.detail),
                     seconds_or_nothing(seconds(last.started), started), seconds_or_nothing(seconds_of(last), started),
                     number_or_nothing(last.worker_pid, last.worker_pid != 0),
                     seconds_or_nothing(seconds(last.cpu), last.cpu >= 0),
                     number_or_nothing(last.peak_memory, last.peak_memory >= 0),
                     number_or_nothing(static_cast<std::int64_t>(last.output_bytes), tried), csv_field(job.input),
                     csv_field(job.description));
}

nlohmann::ordered_json or_null(std::int64_t number, double divisor) {
  if (number < 0) return nullptr;
  return static_cast<double>(number) / divisor;
}

std::string json_row(const JournalJob& job) {
  using Json = nlohmann::ordered_json;
  const JournalAttempt& last = job.last;
  Json row = {{"job", job.number}, {"state", job_state_name(job.state)}, {"attempts", job.attempts}};
  if (job.attempts > 0) {
    row["outcome"] = last.outcome;
    row["code"] = last.code;
    row["detail"] = last.detail;
    row["worker"] = last.worker_pid;
    row["started"] = last.started == 0 ? Json(nullptr) : Json(seconds(last.started));
    row["seconds"] = seconds_of(last);
    row["cpu_seconds"] = or_null(last.cpu, kNsPerSecond);
    row["peak_memory"] = last.peak_memory < 0 ? Json(nullptr) : Json(last.peak_memory);
    row["output_bytes"] = last.output_bytes;
    row["error_output_bytes"] = last.error_output_bytes;
  }
  row["input"] = job.input;
  row["command"] = job.description;
  return row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string joblog_row(const JournalJob& job) {
  const JournalAttempt& last = job.last;
  JobLogEnd end{-1, 0};
  if (last.outcome == "exited" || last.outcome == "returned") end = {last.code, 0};
  if (last.outcome == "signalled") end = {0, last.code};
  if (last.outcome == "timed_out" || last.outcome == "cancelled") end = {-1, 15};
  return joblog_line({.number = job.number,
                      .started_s = seconds(last.started),
                      .seconds = seconds_of(last),
                      .output_bytes = last.output_bytes,
                      .end = end,
                      .command = job.description});
}

}  // namespace

bool LogFilter::matches(const JournalJob& job) const {
  if (failed && job.state != JobState::kFailed) return false;
  if (unfinished && (job.state == JobState::kFailed || job.state == JobState::kDone)) return false;
  if (slower && seconds_of(job.last) <= std::chrono::duration<double>(*slower).count()) return false;
  return !worker || job.last.worker_pid == *worker;
}

std::string rows_heading(LogFormat format) {
  switch (format) {
    case LogFormat::kTable:
      return fmt::format("{:>7}  {:19}  {:>9}  {:>5}  {:<9}  {}\n", "job", "started", "took", "tries", "result",
                         "command");
    case LogFormat::kCsv:
      return "job,state,attempts,outcome,code,detail,started,seconds,worker,cpu_seconds,peak_memory,output_bytes,"
             "input,command\r\n";
    case LogFormat::kJobLog:
      return kJobLogHeading;
    case LogFormat::kJson:
    case LogFormat::kNone:
      break;
  }
  return {};
}

std::string row_of(const JournalJob& job, LogFormat format) {
  switch (format) {
    case LogFormat::kTable:
      return table_row(job);
    case LogFormat::kJson:
      return json_row(job);
    case LogFormat::kCsv:
      return csv_row(job);
    case LogFormat::kJobLog:
      return job.last.started == 0 ? std::string() : joblog_row(job);
    case LogFormat::kNone:
      break;
  }
  return {};
}

std::string run_line(const JournalRun& run) {
  const std::string end = run.ended == 0 ? "going on, or killed" : fmt::format("exit status {}", run.exit_status);
  return fmt::format("{:>4}  {}  {:>8} jobs  {}{}  {}", run.id, time_text(run.began), run.jobs, end,
                     run.sessions > 1 ? fmt::format(", {} sessions", run.sessions) : "",
                     one_line(run.description.command));
}

std::string job_heading(const JournalJob& job) {
  return fmt::format("job {}: {} ({})\n", job.number, one_line(job.description), job_state_name(job.state));
}

std::string attempt_line(const JournalAttempt& attempt) {
  std::string text = fmt::format("  attempt {}: {}", attempt.number, result_of(attempt));
  if (attempt.started != 0)
    text += fmt::format(", started {}, took {}, worker {}", time_text(attempt.started),
                        seconds_text(seconds_of(attempt)), attempt.worker_pid);
  if (attempt.cpu >= 0) text += fmt::format(", CPU {}", seconds_text(seconds(attempt.cpu)));
  if (attempt.peak_memory >= 0) text += ", peak memory " + memory_text(attempt.peak_memory);
  return text + "\n";
}

bool is_pickled(const JournalJob& job) {
  return kind_of_queued(job.options) == "python";
}

std::string pickle_text(std::uint64_t bytes) {
  return bytes == 0 ? std::string() : fmt::format("a pickle of {} bytes, which prong.Client reads\n", bytes);
}

std::string indented(std::string_view name, std::string_view text, std::uint64_t bytes) {
  if (bytes == 0) return {};
  std::string all = fmt::format("  {}:\n", name);
  Prefixer("    ").put(text, [&](std::string_view line) { all += line; });
  if (!text.empty() && text.back() != '\n') all += '\n';
  if (bytes > text.size()) all += fmt::format("    ({} more bytes were not kept)\n", bytes - text.size());
  return all;
}

double seconds_of(const JournalAttempt& attempt) {
  return attempt.started == 0 ? 0 : seconds(attempt.ended - attempt.started);
}

std::string time_text(std::int64_t time) {
  if (time == 0) return "-";
  const std::time_t whole = time / static_cast<std::int64_t>(kNsPerSecond);
  std::tm local{};
  ::localtime_r(&whole, &local);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local)};
}

std::string seconds_text(double seconds) {
  if (seconds < 10) return fmt::format("{:.3f} s", seconds);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string memory_text(std::int64_t bytes) {
  constexpr double kStep = 1024;
  double amount = static_cast<double>(bytes) / kStep;
  if (amount < kStep) return fmt::format("{:.0f} KiB", amount);
  amount /= kStep;
  return amount < kStep ? fmt::format("{:.1f} MiB", amount) : fmt::format("{:.2f} GiB", amount / kStep);
}

}  // namespace prong::cli
