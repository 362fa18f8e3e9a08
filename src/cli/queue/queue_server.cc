#include "cli/queue/queue_server.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/output/base64.h"
#include "cli/queue/queue_client.h"
#include "cli/session/recorder.h"
#include "cli/tasks/shell_text.h"
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

/// No worker could be had for it.
bool never_began(const Job& job) {
  const auto* lost = std::get_if<Lost>(&job.outcome());
  return lost && lost->reason == LostReason::kStartFailed && job.attempts().empty();
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
    collect();
    hear();
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
  const json last = jobs_.all_ended() ? report() : refusal("the server was ended before all jobs had");
  for (const std::uint64_t client : drainers_) server_.answer(client, last);
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
    if (draining_ && command == "pause") throw UsageError("the queue ends when all its jobs have; it cannot be paused");
    jobs_.set_paused(command == "pause");
    failed_starts_ = 0;
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
      if (!running->second.run.pool->kill(running->second.run.job)) continue;  // it has just ended
      running->second.cancelled = true;
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
  std::vector<std::uint64_t> numbers = numbers_in(request.text);
  std::ranges::sort(numbers);
  numbers.erase(std::ranges::unique(numbers).begin(), numbers.end());
  for (const std::uint64_t number : numbers) {
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
                 {"kind", kind_of_queued(jobs_.options(number))},
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
    if (never_began(*running.run.job) && running.run.is_command) {
      put_back(number, describe(running.run.job->outcome()));
      running_.erase(found);
      continue;
    }
    failed_starts_ = 0;
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
    } catch (const SystemError& error) {
      put_back(job.number, error.what());
    } catch (const std::exception& error) {
      if (kind_of_queued(job.options) == "command") {
        put_back(job.number, error.what());
        continue;
      }
      jobs_.fail(job.number, Lost{.reason = LostReason::kStartFailed, .detail = error.what()});
      waits_.ended(job.number, false);
      say(fmt::format("job {}: cannot be started: {}", job.number, error.what()));
    }
  }
  taken_.clear();
  jobs_.commit();
}

/// It was not the job's fault. What lies with the machine would be the same for the next one: soon no more are tried.
void QueueServer::put_back(std::uint64_t number, const std::string& why) {
  constexpr int kMost = 3;
  jobs_.put_back(number);
  if (++failed_starts_ < kMost || jobs_.paused()) return;
  jobs_.set_paused(true);
  draining_ = false;
  for (const std::uint64_t client : std::exchange(drainers_, {}))
    server_.answer(client, refusal("no job can be started any more: " + why));
  say(fmt::format("no job can be started: {}; the queue is paused: prong resume {} goes on", why, settings_.name));
}

void QueueServer::answer() {
  for (const Answer& each : answers_) server_.answer(each.client, made(each));
  answers_.clear();
  for (const QueueWaits::Ready& ready : waits_.take_ready())
    server_.answer(ready.client, {{"done", ready.result.done}, {"failed", ready.result.failed}});
  if (!jobs_.all_ended()) return;
  for (const std::uint64_t client : waits_.take_for_all()) server_.answer(client, report());
}

void QueueServer::sleep() {
  const Signals::Held held;
  if (!signals_.take_news()) Signals::sleep(held, pools_.next_retirement());
}

json QueueServer::made(const Answer& answer) {
  try {
    return answer.make();
  } catch (const std::exception& error) {
    return refusal(error.what());
  }
}

/// Who reads the log shall not hold up the queue: what cannot be written at once is left out.
void QueueServer::say(const std::string& message) const {
  const std::string line = fmt::format("prong: queue {}: {}\n", settings_.name, message).substr(0, PIPE_BUF);
  pollfd log{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&log, 1, 0) > 0 && (log.revents & POLLOUT) != 0)
    static_cast<void>(!::write(log.fd, line.data(), line.size()));
}

}  // namespace prong::cli
