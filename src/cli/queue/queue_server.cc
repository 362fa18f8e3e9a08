#include "cli/queue/queue_server.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cli/options/quantities.h"
#include "cli/output/base64.h"
#include "cli/queue/queue_client.h"
#include "cli/session/recorder.h"
#include "cli/tasks/shell_text.h"
#include "prong/error.h"
#include "prong/version.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr MonotonicNs kPauseBetweenTries = 1'000'000'000;
constexpr const char* kTakesNone = "the queue ends, and takes no more jobs";
/// The last version of the protocol; all earlier ones are understood, too. What a server of an earlier one would
/// misunderstand makes a new one.
constexpr int kProtocol = 1;

std::string prepared_path(const QueueSettings& settings) {
  check_queue_name(settings.name);
  JournalSettings journal;
  journal.name = settings.name;
  return prepared_journal_path(journal);
}

json refusal(const std::string& why) {
  return {{"error", why}};
}

/// A client names the first version that has all that it asks for.
void check_protocol(const json& request) {
  const json wanted = request.is_object() ? request.value("protocol", json(1U)) : json(1U);
  if (!wanted.is_number_unsigned() || wanted == 0) throw UsageError("'protocol' is to be a version: 1 or more");
  if (wanted > kProtocol)
    throw UsageError(
        fmt::format("this server, of Prong {}, knows the protocol up to version {}, and the request is of version {}; "
                    "end the server (SIGTERM, or prong drain) and start that of the later Prong",
                    kVersion, kProtocol, wanted.get<std::uint64_t>()));
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

json made_by(const std::function<json()>& answer) {
  try {
    return answer();
  } catch (const std::exception& error) {
    return refusal(error.what());
  }
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
      file_(number_of(path_)),
      reader_(path_),
      pools_(settings.name, workers_, settings.kept_output, [&signals] { signals.wake(); }),
      server_(control_folder(), socket_of_queue(settings.name), [&signals] { signals.wake(); },
              {.longest = kLongestRequest, .lasts = true}),
      state_(jobs_.paused()) {
  const QueueJobs::Counts& counts = jobs_.counts();
  say(fmt::format("{} jobs at a time; {} queued{}", workers_, counts.queued,
                  state_.phase() == QueuePhase::kPaused ? ", paused" : ""));
}

bool QueueServer::over() const {
  if (state_.is_stopping()) return running_.size() == ended_.size();
  return state_.phase() == QueuePhase::kDraining && jobs_.all_ended() && trouble_.empty();
}

void QueueServer::run() {
  while (!over()) {
    heed_signals();
    collect();
    const Requests requests = server_.take();
    const bool changed = change([&] {
      settle();
      hear(requests);
      take();
    });
    if (!changed) hear(requests);
    follow();
    start_taken();
    tell_waiters();
    pools_.retire(monotonic_now());
    if (!over()) sleep();
  }
  finish();
}

void QueueServer::heed_signals() {
  const Signals::Wish wish = signals_.wish();
  if (wish >= Signals::Wish::kStopStarting && state_.on(QueueEvent::kStop) && !running_.empty() &&
      wish == Signals::Wish::kStopStarting)
    say(fmt::format("no more jobs are started; {} {} left to end; once more kills them", running_.size(),
                    running_.size() == 1 ? "is" : "are"));
  if (wish >= Signals::Wish::kKillJobs && state_.on(QueueEvent::kKill))
    for (auto& [number, running] : running_)
      running.interrupted = running.run.job && running.run.pool->kill(running.run.job);
}

/// Who still waits is told that this server will not have more for him.
void QueueServer::finish() {
  next_try_ = 0;
  const bool closed = change([this] {
    settle();
    jobs_.close();
  });
  follow();
  tell_waiters();
  const json last = jobs_.all_ended() && ended_.empty()
                        ? report()
                        : refusal(
                              "the server was ended before all jobs had; the next one goes on with them: start it "
                              "with prong serve --name " +
                              settings_.name);
  for (const std::uint64_t client : drainers_) server_.answer(client, last);
  for (const std::uint64_t client : waits_.take_all()) server_.answer(client, last);
  if (!closed)
    throw JournalError(
        fmt::format("queue {}: ended while the journal cannot be written ({}); of the jobs that ran, "
                    "the next server takes {} for lost that have ended",
                    settings_.name, trouble_, ended_.size()));
  const QueueJobs::Counts& counts = jobs_.counts();
  say(fmt::format("ended; {} queued, {} done, {} failed", counts.queued, counts.done, counts.failed));
}

// ---- the journal

bool QueueServer::change(const std::function<void()>& changes) {
  if (!trouble_.empty() && monotonic_now() < next_try_) return false;
  const QueueState before = state_;
  try {
    if (!trouble_.empty()) jobs_.try_writing();
    changes();
    require_file();
    jobs_.commit();
  } catch (const JournalUnavailable& error) {
    jobs_.roll_back();
    state_ = before;
    following_.clear();
    taken_.clear();
    begin_trouble(error.what());
    return false;
  }
  end_trouble();
  return true;
}

/// What is written into a file that was removed, nobody will find.
void QueueServer::require_file() const {
  if (number_of(path_) != file_)
    throw JournalUnavailable("journal '" + path_ + "': it was removed, or another file has taken its place");
}

void QueueServer::begin_trouble(const std::string& why) {
  next_try_ = monotonic_now() + kPauseBetweenTries;
  if (std::exchange(trouble_, why).empty())
    say("the journal cannot be written: " + why +
        "; until it can, no jobs are started or taken, and what has ended is kept in memory");
}

void QueueServer::end_trouble() {
  if (!std::exchange(trouble_, {}).empty()) say("the journal can be written again; the queue goes on");
}

void QueueServer::require_journal() const {
  if (!trouble_.empty())
    throw UsageError("the journal cannot be written: " + trouble_ + "; nothing was changed: ask again when it can");
}

void QueueServer::follow() {
  for (const auto& each : std::exchange(following_, {})) each();
}

// ---- requests

void QueueServer::hear(const Requests& requests) {
  for (const Request& request : requests) {
    Answer answer;
    try {
      answer = carry_out(request);
    } catch (const UsageError& error) {
      answer = [text = std::string(error.what())] { return refusal(text); };
    } catch (const json::exception& error) {
      answer = [text = std::string(error.what())] { return refusal(text); };
    }
    following_.emplace_back([this, client = request.client, answer = std::move(answer)] {
      const json made = made_by(answer);
      if (!made.is_null()) server_.answer(client, made);
    });
  }
}

QueueServer::Answer QueueServer::carry_out(const Request& request) {
  check_protocol(request.text);
  const json command = request.text.is_object() ? request.text.value("command", json()) : json();
  if (command == "submit") return submit(request.text);
  if (command == "status") return status(request.text);
  if (command == "wait") return wait(request);
  if (command == "cancel") return cancel(request.text);
  if (command == "retry") return retry(request.text);
  if (command == "pause") return set_paused(true);
  if (command == "resume") return set_paused(false);
  if (command == "drain") return drain(request.client);
  if (command == "clean") return clean(request.text);
  throw UsageError(
      fmt::format("there is no such command; this server, of Prong {}, has submit, status, wait, cancel, retry, pause, "
                  "resume, drain, clean",
                  kVersion));
}

QueueServer::Answer QueueServer::submit(const json& request) {
  if (!state_.takes_jobs()) throw UsageError(kTakesNone);
  require_journal();
  json numbers = json::array();
  for (const SubmittedJob& job : submitted_jobs(request, settings_.if_lost)) numbers.push_back(jobs_.add(job));
  return [answer = json{{"jobs", std::move(numbers)}}] { return answer; };
}

/// Those that run are killed also while the journal cannot be written: they may be what fills the disk.
QueueServer::Answer QueueServer::cancel(const json& request) {
  std::vector<std::uint64_t> numbers = numbers_in(request);
  if (means_all(request)) {
    numbers = jobs_.waiting();
    for (const auto& [number, running] : running_) numbers.push_back(number);
  }
  std::vector<std::pair<std::uint64_t, bool>> found;  // and whether it runs
  for (const std::uint64_t number : numbers) {
    if (jobs_.waits(number)) {
      require_journal();
      jobs_.cancel(number);
      found.emplace_back(number, false);
    } else if (running_.contains(number)) {
      if (trouble_.empty()) jobs_.withdraw(number);
      found.emplace_back(number, true);
    }
  }
  return [this, found = std::move(found)] {
    json cancelled = json::array();
    for (const auto& [number, runs] : found) {
      if (runs && !kill(number)) continue;
      if (!runs) waits_.ended(number, false);
      cancelled.push_back(number);
    }
    return json{{"jobs", std::move(cancelled)}};
  };
}

/// False: it has just ended.
bool QueueServer::kill(std::uint64_t number) {
  const auto found = running_.find(number);
  if (found == running_.end()) return false;
  Running& running = found->second;
  running.cancelled |= running.not_started || running.run.pool->kill(running.run.job);
  return running.cancelled;
}

QueueServer::Answer QueueServer::retry(const json& request) {
  if (!state_.takes_jobs()) throw UsageError(kTakesNone);
  require_journal();
  json retried = json::array();
  for (const std::uint64_t number : means_all(request) ? jobs_.failed() : numbers_in(request))
    if (jobs_.retry(number)) retried.push_back(number);
  return [answer = json{{"jobs", std::move(retried)}}] { return answer; };
}

QueueServer::Answer QueueServer::set_paused(bool paused) {
  require_journal();
  state_.on(paused ? QueueEvent::kPause : QueueEvent::kResume);
  jobs_.set_paused(paused);
  return status_of_queue();
}

QueueServer::Answer QueueServer::clean(const json& request) {
  require_journal();
  std::chrono::nanoseconds ago(0);
  if (request.contains("older")) ago = parse_duration(bytes_of_json(request["older"], "older"));
  const bool failed_too = request.value("done", json(false)) != true;
  const QueueJobs::Counts forgotten = jobs_.forget(ago, failed_too);
  return [forgotten] { return json{{"done", forgotten.done}, {"failed", forgotten.failed}}; };
}

QueueServer::Answer QueueServer::drain(std::uint64_t client) {
  return [this, client] {
    state_.on(QueueEvent::kDrain);
    drainers_.push_back(client);
    return json();
  };
}

QueueServer::Answer QueueServer::wait(const Request& request) {
  const bool is_for_all = !request.text.contains("jobs");
  return [this, client = request.client, is_for_all, numbers = numbers_in(request.text)] {
    waits_.forget([this](std::uint64_t each) { return server_.is_there(each); });
    is_for_all ? waits_.add_for_all(client) : begin_wait(client, numbers);
    return json();
  };
}

void QueueServer::begin_wait(std::uint64_t client, std::vector<std::uint64_t> numbers) {
  std::vector<std::uint64_t> open;
  QueueWaits::Result ended;
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
  waits_.add(client, open, ended);
}

QueueServer::Answer QueueServer::status(const json& request) {
  if (!request.contains("jobs")) return status_of_queue();
  const bool with_outputs = request.value("outputs", json(false)) == true;
  return [this, with_outputs, numbers = numbers_in(request)] {
    json jobs = json::array();
    for (const std::uint64_t number : numbers) jobs.push_back(report_of(number, with_outputs));
    return json{{"jobs", std::move(jobs)}};
  };
}

json QueueServer::report() {
  const QueueJobs::Counts& counts = jobs_.counts();
  return {{"queue", settings_.name},
          {"pid", ::getpid()},
          {"version", kVersion},
          {"protocol", kProtocol},
          {"state", state_.name()},
          {"workers", workers_},
          {"queued", counts.queued},
          {"running", counts.running},
          {"done", counts.done},
          {"failed", counts.failed},
          {"failures", counts.failed + counts.forgotten_failures},
          {"journal", path_},
          {"seconds", static_cast<double>(monotonic_now() - began_) / 1e9},
          {"trouble", trouble_.empty() ? json() : json("the journal cannot be written: " + trouble_)}};
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

/// Those that have ended wait for the journal.
void QueueServer::collect() {
  for (const std::uint64_t number : pools_.take_ended()) {
    Running& running = running_.at(number);
    if (never_began(*running.run.job) && running.run.is_command)
      running.not_started = NotStarted{.why = describe(running.run.job->outcome())};
    ended_.push_back(number);
  }
}

void QueueServer::settle() {
  for (const std::uint64_t number : ended_) {
    const Running& running = running_.at(number);
    if (running.not_started && !running.not_started->its_fault && !running.cancelled)
      put_back(number, running.not_started->why);
    else
      settle(number, running);
  }
  following_.emplace_back([this] {
    for (const std::uint64_t number : std::exchange(ended_, {})) running_.erase(number);
  });
}

void QueueServer::settle(std::uint64_t number, const Running& running) {
  const bool began = !running.not_started;
  const bool succeeded = began && running.run.succeeded();
  const bool interrupted = running.interrupted && !running.cancelled && !succeeded;
  const Outcome outcome = began ? running.run.job->outcome()
                          : running.cancelled
                              ? Outcome(Cancelled{})
                              : Lost{.reason = LostReason::kStartFailed, .detail = running.not_started->why};
  state_.start_succeeded();
  if (interrupted)
    jobs_.interrupt(number, running.run.if_lost);
  else if (began)
    jobs_.end(number, *running.run.job, succeeded, running.run.returned());
  else
    jobs_.fail(number, outcome);
  const bool has_ended = !interrupted || running.run.if_lost == IfLost::kFail;
  const char* const what_follows = has_ended ? "it is lost" : "the next server runs it again";
  const std::string text = interrupted ? fmt::format("killed with its server; {}", what_follows) : describe(outcome);
  following_.emplace_back([this, number, succeeded, has_ended, text] {
    if (!succeeded) say(fmt::format("job {}: {}", number, text));
    if (has_ended) waits_.ended(number, succeeded);
  });
}

void QueueServer::put_back(std::uint64_t number, const std::string& why) {
  jobs_.put_back(number);
  if (!state_.start_failed()) return;
  jobs_.set_paused(true);
  following_.emplace_back([this, why] {
    for (const std::uint64_t client : std::exchange(drainers_, {}))
      server_.answer(client, refusal("no job can be started any more: " + why));
    say(fmt::format("no job can be started: {}; the queue is paused: prong resume {} goes on", why, settings_.name));
  });
}

void QueueServer::take() {
  if (!state_.starts_jobs()) return;
  // Those that have ended are there until the round is committed.
  while (running_.size() - ended_.size() + taken_.size() < static_cast<std::size_t>(workers_)) {
    std::optional<TakenJob> job = jobs_.take();
    if (!job) return;
    taken_.push_back(std::move(*job));
  }
}

void QueueServer::start_taken() {
  for (const TakenJob& job : std::exchange(taken_, {})) start(job);
}

/// What comes to nothing is an end, too.
void QueueServer::start(const TakenJob& job) {
  Running& running = running_[job.number];
  try {
    running.run = pools_.start(job);
    return;
  } catch (const SystemError& error) {
    running.not_started = NotStarted{.why = error.what()};
  } catch (const std::exception& error) {
    running.not_started = NotStarted{.why = error.what(), .its_fault = kind_of_queued(job.options) != "command"};
  }
  ended_.push_back(job.number);
}

void QueueServer::tell_waiters() {
  for (const QueueWaits::Ready& ready : waits_.take_ready())
    server_.answer(ready.client, {{"done", ready.result.done}, {"failed", ready.result.failed}});
  if (!jobs_.all_ended()) return;
  for (const std::uint64_t client : waits_.take_for_all()) server_.answer(client, report());
}

void QueueServer::sleep() {
  if (trouble_.empty() && !ended_.empty()) return;  // they could not be started
  std::optional<MonotonicNs> deadline = pools_.next_retirement();
  if (!trouble_.empty()) deadline = std::min(deadline.value_or(next_try_), next_try_);
  const Signals::Held held;
  if (!signals_.take_news()) Signals::sleep(held, deadline);
}

/// Who reads the log shall not hold up the queue: what cannot be written at once is left out.
void QueueServer::say(const std::string& message) const {
  const std::string line = fmt::format("prong: queue {}: {}\n", settings_.name, message).substr(0, PIPE_BUF);
  pollfd log{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&log, 1, 0) > 0 && (log.revents & POLLOUT) != 0)
    static_cast<void>(!::write(log.fd, line.data(), line.size()));
}

}  // namespace prong::cli
