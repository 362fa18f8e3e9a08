#include "cli/session/run_events.h"

#include <chrono>

#include "cli/output/job_json.h"
#include "cli/output/json_output.h"

namespace prong::cli {
namespace {

double time_of_day() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Json event(const char* name, const Input& input) {
  return {{"event", name}, {"job", input.number}, {"input", input_json(input)}};
}

void add_outcome(Json& event, const Outcome& outcome) {
  event["outcome"] = outcome_name(outcome);
  if (const auto* exited = std::get_if<Exited>(&outcome)) {
    event["exit_code"] = exited->code;
    return;
  }
  if (const auto* signalled = std::get_if<Signalled>(&outcome)) event["signal"] = signalled->number;
  if (const auto* timed_out = std::get_if<TimedOut>(&outcome)) event["limit"] = limit_name(timed_out->limit);
  event["exception"] = exception_json(outcome);
}

// What is not known is not there.
void add_usage(Json& event, const Attempt& attempt) {
  if (attempt.cpu_time.count() >= 0) event["cpu_seconds"] = std::chrono::duration<double>(attempt.cpu_time).count();
  if (attempt.peak_memory >= 0) event["peak_memory"] = attempt.peak_memory;
}

void show_retried(const Input& input, const Attempt& attempt, Sink& sink) {
  Json retried = event("retried", input);
  retried["attempt"] = attempt.number;
  add_outcome(retried, attempt.outcome);
  retried["seconds"] = seconds_of(attempt);
  sink.write(dumped(retried) + "\n");
}

}  // namespace

void show_started(const Input& input, const std::string& command, Sink& sink) {
  Json started = event("started", input);
  started["command"] = command;
  started["time"] = time_of_day();
  sink.write(dumped(started) + "\n");
}

void show_ended(const Input& input, const Job& job, Sink& sink) {
  const auto& attempts = job.attempts();
  for (std::size_t i = 0; i + 1 < attempts.size(); ++i) show_retried(input, attempts[i], sink);
  const Attempt last = attempts.empty() ? Attempt{} : attempts.back();
  Json ended = event("ended", input);
  add_outcome(ended, job.outcome());
  ended["attempts"] = attempts.size();
  ended["seconds"] = seconds_of(last);
  add_usage(ended, last);
  ended["time"] = time_of_day();
  ended["output_bytes"] = last.output.size();
  ended["error_bytes"] = last.error_output.size();
  std::string text = dumped(ended);
  text.pop_back();
  sink.write(text + ",");
  const PutText put = [&](std::string_view part) { sink.write(part); };
  put_json_output("output", last.output, put);
  put(",");
  put_json_output("error", last.error_output, put);
  put("}\n");
}

}  // namespace prong::cli
