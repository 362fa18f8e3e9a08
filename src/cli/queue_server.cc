#include "cli/queue_server.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "cli/base64.h"
#include "cli/queue_client.h"
#include "cli/recorder.h"
#include "cli/shell_text.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestRequest = std::size_t{256} << 20;

std::string prepared_path(const QueueSettings& settings) {
  check_queue_name(settings.name);
  JournalSettings journal;
  journal.name = settings.name;
  return prepared_journal_path(journal);
}

json refusal(const std::string& why) {
  return {{"error", why}};
}

/// Empty: no 'jobs' are named.
std::vector<std::uint64_t> numbers_in(const json& request) {
  std::vector<std::uint64_t> numbers;
  const json jobs = request.value("jobs", json::array());
  if (!jobs.is_array()) throw UsageError("'jobs' is to be a list of numbers");
  for (const json& each : jobs) {
    if (!each.is_number_unsigned()) throw UsageError("'jobs' is to be a list of numbers");
    numbers.push_back(each);
  }
  return numbers;
}

bool means_all(const json& request) {
  return request.value("all", json(false)) == true;
}

json number_or_null(std::int64_t value, bool known) {
  return known ? json(value) : json();
}

}  // namespace

QueueServer::QueueServer(const QueueSettings& settings, Signals& signals)
    : settings_(settings),
      signals_(signals),
      workers_(settings.workers > 0 ? settings.workers : usable_cpus()),
      path_(prepared_path(settings)),
      jobs_(path_, {.command = "prong serve --name " + shell_quote(settings.name), .folder = "/", .workers = workers_},
            {.durable = settings.durable, .kept_output = settings.kept_output}),
      reader_(path_),
      pools_(settings.name, workers_, settings.kept_output, [&signals] { signals.wake(); }),
      server_(
          control_folder(), socket_of_queue(settings.name), [&signals] { signals.wake(); }, kLongestRequest) {
  const QueueJobs::Counts& counts = jobs_.counts();
  say(fmt::format("{} jobs at a time; {} queued{}", workers_, counts.queued, jobs_.paused() ? ", paused" : ""));
}

bool QueueServer::over() const {
  if (stopping_) return running_.empty();
  return draining_ && jobs_.all_ended();
}

void QueueServer::run() {
  while (!over()) {
    heed_signals();
    hear();
    collect();
    take();
    jobs_.commit();
    start_taken();
    answer();
    pools_.retire(monotonic_now());
    if (!over()) sleep();
  }
  const QueueJobs::Counts& counts = jobs_.counts();
  say(fmt::format("ended; {} queued, {} done, {} failed", counts.queued, counts.done, counts.failed));
  jobs_.close();
  for (const std::uint64_t client : drainers_) server_.answer(client, report());
}

void QueueServer::heed_signals() {
  const Signals::Wish wish = signals_.wish();
  if (wish >= Signals::Wish::kStopStarting && !stopping_) {
    stopping_ = true;
    if (!running_.empty() && wish == Signals::Wish::kStopStarting)
      say(fmt::format("no more jobs are started; {} {} left to end; once more kills them", running_.size(),
                      running_.size() == 1 ? "is" : "are"));
  }
  if (wish >= Signals::Wish::kKillJobs && !killed_) {
    killed_ = true;
    for (const auto& [number, running] : running_) running.run.pool->kill(running.run.job);
  }
}

// ---- requests

void QueueServer::hear() {
  for (const Request& request : server_.take()) {
    try {
      const json answer = carry_out(request);
      if (!answer.is_null()) answers_.push_back({request.client, [answer] { return answer; }});
    } catch (const UsageError& error) {
      answers_.push_back({request.client, [text = std::string(error.what())] { return refusal(text); }});
    }
  }
}

json QueueServer::carry_out(const Request& request) {
  const json command = request.text.is_object() ? request.text.value("command", json()) : json();
  if (command == "submit") return submit(request.text);
  if (command == "cancel") return cancel(request.text);
  if (command == "retry") return retry(request.text);
  if (command == "drain") return drain(request.client);
  if (command == "wait") return wait(request);
  if (command == "pause" || command == "resume") {
    jobs_.set_paused(command == "pause");
  } else if (command == "status" && request.text.contains("jobs")) {
    const bool with_outputs = request.text.value("outputs", json(false)) == true;
    answers_.push_back({request.client, [this, with_outputs, numbers = numbers_in(request.text)] {
                          json jobs = json::array();
                          for (const std::uint64_t number : numbers) jobs.push_back(report_of(number, with_outputs));
                          return json{{"jobs", std::move(jobs)}};
                        }});
    return {};
  } else if (command != "status") {
    throw UsageError("there is no such command; there are submit, status, wait, cancel, retry, pause, resume, drain");
  }
  answers_.push_back({request.client, [this] { return report(); }});
  return {};
}

json QueueServer::submit(const json& request) {
  if (draining_ || stopping_) throw UsageError("the queue ends, and takes no more jobs");
  json numbers = json::array();
  for (const SubmittedJob& job : submitted_jobs(request, settings_.if_lost)) numbers.push_back(jobs_.add(job));
  return {{"jobs", std::move(numbers)}};
}

json QueueServer::cancel(const json& request) {
  std::vector<std::uint64_t> numbers = numbers_in(request);
  if (means_all(request)) {
    numbers = jobs_.waiting();
    for (const auto& [number, running] : running_) numbers.push_back(number);
  }
  json cancelled = json::array();
  for (const std::uint64_t number : numbers) {
    const auto running = running_.find(number);
    if (running != running_.end()) {
      running->second.cancelled = true;
      running->second.run.pool->kill(running->second.run.job);
    } else if (jobs_.cancel(number)) {
      waits_.ended(number, false);
    } else {
      continue;
    }
    cancelled.push_back(number);
  }
  return {{"jobs", std::move(cancelled)}};
}

json QueueServer::retry(const json& request) {
  if (draining_ || stopping_) throw UsageError("the queue ends, and takes no more jobs");
  json retried = json::array();
  for (const std::uint64_t number : means_all(request) ? jobs_.failed() : numbers_in(request))
    if (jobs_.retry(number)) retried.push_back(number);
  return {{"jobs", std::move(retried)}};
}

json QueueServer::drain(std::uint64_t client) {
  if (jobs_.paused()) throw UsageError("the queue is paused, so that what waits would never be done; resume it first");
  draining_ = true;
  drainers_.push_back(client);
  return {};
}

json QueueServer::wait(const Request& request) {
  waits_.forget([this](std::uint64_t client) { return server_.is_there(client); });
  if (!request.text.contains("jobs")) {
    waits_.add_for_all(request.client);
    return {};
  }
  std::vector<std::uint64_t> open;
  QueueWaits::Result ended;
  for (const std::uint64_t number : numbers_in(request.text)) {
    const JobState state = jobs_.state(number);
    if (state == JobState::kNew) throw UsageError(fmt::format("there is no job {}", number));
    if (state == JobState::kDone)
      ++ended.done;
    else if (state == JobState::kFailed)
      ++ended.failed;
    else
      open.push_back(number);
  }
  waits_.add(request.client, open, ended);
  return {};
}

json QueueServer::report() {
  const QueueJobs::Counts& counts = jobs_.counts();
  const char* state = stopping_ ? "stopping" : draining_ ? "draining" : jobs_.paused() ? "paused" : "serving";
  return {{"queue", settings_.name}, {"pid", ::getpid()},
          {"state", state},          {"workers", workers_},
          {"queued", counts.queued}, {"running", counts.running},
          {"done", counts.done},     {"failed", counts.failed},
          {"journal", path_},        {"seconds", static_cast<double>(monotonic_now() - began_) / 1e9}};
}

json QueueServer::report_of(std::uint64_t number, bool with_outputs) {
  constexpr std::int64_t kOnlyRun = 1;
  const std::optional<JournalJob> job = reader_.job(kOnlyRun, number);
  if (!job) return {{"job", number}, {"state", "unknown"}};
  const bool ended = job->state == JobState::kDone || job->state == JobState::kFailed;
  json report = {{"job", number},
                 {"state", job->state == JobState::kDispatched ? "running" : job_state_name(job->state)},
                 {"kind", queued_options_of(jobs_.options(number)).is_command ? "command" : "python"},
                 {"description", json_of_bytes(job->description)},
                 {"attempts", job->attempts},
                 {"outcome", ended ? json(job->last.outcome) : json()},
                 {"code", number_or_null(job->last.code, ended)},
                 {"detail", json_of_bytes(job->last.detail)},
                 {"started", number_or_null(job->last.started, job->last.started != 0)},
                 {"ended", number_or_null(job->last.ended, job->last.ended != 0)}};
  if (!with_outputs) return report;
  const JournalOutput kept = reader_.output(job->id, job->attempts);
  report["output"] = to_base64(kept.output);
  report["error_output"] = to_base64(kept.error_output);
  report["output_bytes"] = job->last.output_bytes;
  report["error_output_bytes"] = job->last.error_output_bytes;
  return report;
}

// ---- jobs

void QueueServer::collect() {
  for (const std::uint64_t number : pools_.take_ended()) {
    const auto found = running_.find(number);
    const Running& running = found->second;
    const bool succeeded = running.run.succeeded();
    const bool interrupted = killed_ && !running.cancelled && !succeeded;
    if (interrupted)
      jobs_.interrupt(number, running.run.if_lost);
    else
      jobs_.end(number, *running.run.job, succeeded, running.run.returned());
    if (!succeeded) say(fmt::format("job {}: {}", number, describe(running.run.job->outcome())));
    if (!interrupted || running.run.if_lost == IfLost::kFail) waits_.ended(number, succeeded);
    running_.erase(found);
  }
}

void QueueServer::take() {
  if (stopping_ || jobs_.paused()) return;
  while (running_.size() + taken_.size() < static_cast<std::size_t>(workers_)) {
    std::optional<TakenJob> job = jobs_.take();
    if (!job) return;
    taken_.push_back(std::move(*job));
  }
}

void QueueServer::start_taken() {
  for (const TakenJob& job : taken_) {
    try {
      running_.emplace(job.number, Running{.run = pools_.start(job)});
    } catch (const std::exception& error) {
      jobs_.fail(job.number, Lost{.reason = LostReason::kStartFailed, .detail = error.what()});
      jobs_.commit();
      waits_.ended(job.number, false);
      say(fmt::format("job {}: cannot be started: {}", job.number, error.what()));
    }
  }
  taken_.clear();
}

void QueueServer::answer() {
  for (const Answer& each : answers_) server_.answer(each.client, each.make());
  answers_.clear();
  for (const QueueWaits::Ready& ready : waits_.take_ready(jobs_.all_ended()))
    server_.answer(ready.client, {{"done", ready.result.done}, {"failed", ready.result.failed}});
}

void QueueServer::sleep() {
  const Signals::Held held;
  if (!signals_.take_news()) Signals::sleep(held, pools_.next_retirement());
}

void QueueServer::say(const std::string& message) const {
  std::fprintf(stderr, "prong: queue %s: %s\n", settings_.name.c_str(), message.c_str());
}

}  // namespace prong::cli
