#include "cli/session.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "cli/exit_status.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

// Jobs beyond the running ones that are given to the pool, so that no worker waits for this thread.
constexpr std::size_t kSpareJobs = 64;
// Results that may wait for their turn (--keep-order) before no more jobs are started.
constexpr std::size_t kMostHeld = 10'000;
constexpr std::size_t kLongestDescription = 200;

bool never_began_for_lack_of_workers(const Job& job) {
  const auto* lost = std::get_if<Lost>(&job.outcome());
  return lost && lost->reason == LostReason::kStartFailed && job.attempts().empty();
}

std::string current_folder() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

std::string shortened(std::string text) {
  if (text.size() <= kLongestDescription) return text;
  text.resize(kLongestDescription);
  return text + "...";
}

}  // namespace

Session::Session(const Settings& settings, const Task& task, Inputs& inputs,
                 const std::vector<std::string>& column_names, Signals& signals)
    : settings_(settings),
      task_(task),
      inputs_(inputs),
      signals_(signals),
      job_options_(std::make_shared<JobOptions>(settings.job)),
      workers_(settings.workers > 0 ? settings.workers : usable_cpus()),
      output_(1, 2, [this] { return signals_.wish() >= Signals::Wish::kKillJobs; }),
      display_(settings.keep_order, output_),
      progress_(settings.progress, monotonic_now()) {
  if (!settings.job_log.empty()) job_log_.emplace(settings.job_log);
  if (settings.journal.wanted()) {
    const RunDescription run{.command = settings.command_line, .folder = current_folder(), .workers = workers_};
    recorder_.emplace(settings.journal, run, task);
  }
  results_ = task_.result_store();
  if (settings.line_buffer) live_.emplace();
  if (!settings.results.empty()) result_files_ = open_result_files(settings.results, column_names, settings.keep_order);
  if (progress_.shown() || (settings.halt && settings.halt->percent > 0)) total_ = inputs_.total();
}

int Session::run() {
  if (settings_.budget.count() > 0) start_budget();
  while (!over()) {
    heed_signals();
    heed_halt();
    heed_budget();
    feed();
    if (!over()) wait();
    collect();
  }
  progress_.finish(tally(), monotonic_now());
  if (stopping_ && trouble_.empty()) tell_remains();
  end_workers();
  close_journal();
  if (!trouble_.empty()) throw PoolError(trouble_);
  return status();
}

int Session::status() const {
  const int interrupted = signals_.exit_status();
  if (interrupted != 0) return interrupted;
  if (limit_met_) return kLimitMet;
  const std::uint64_t failed_before = recorder_ ? recorder_->earlier().failed + recorder_->earlier().left : 0;
  return status_for_failures(failed_ + failed_before);
}

void Session::close_journal() {
  if (!recorder_) return;
  if (const std::string summary = recorder_->summary(); !summary.empty()) say(summary);
  if (stopping_) say("the journal has what was done: the same command with --resume goes on");
  recorder_->close(trouble_.empty() ? status() : kTrouble);
}

void Session::tell_remains() {
  EarlyEnd end{.done = done_, .failed = failed_, .killed = killed_jobs_, .not_run = not_run_};
  // Of a run that is continued it is not known which of the rest were done before.
  const bool continued = settings_.journal.resume || settings_.journal.retry_failed;
  if (inputs_left_ && continued) end.more = true;
  if (inputs_left_ && !continued) end.count_rest(inputs_);
  if (end.killed + end.not_run > 0 || end.more) say("ended early: " + end.text());
}

// --- inputs to the pool ---

void Session::feed() {
  if (!inputs_ended_) read_what_can_be();
  try {
    if (!batch_.empty() && monotonic_now() >= next_start_) launch();
  } catch (const PoolError& error) {
    give_up(error.what());
  }
}

// What cannot be read ends the inputs; those before it are not affected.
void Session::read_what_can_be() {
  try {
    read_ahead();
  } catch (const InputError& error) {
    inputs_ended_ = true;
    trouble_ = error.what();
  } catch (const SystemError& error) {
    inputs_ended_ = true;
    trouble_ = error.what();
  }
}

void Session::read_ahead() {
  for (std::size_t left = room(); left > 0 && signals_.wish() == Signals::Wish::kGoOn;) {
    Input input;
    const Next next = inputs_.next(input.values);
    if (next != Next::kInput) {
      inputs_ended_ = next == Next::kEnd;
      return;
    }
    input.number = ++started_;
    if (recorder_ && !recorder_->admit(input)) {
      pass_over(input.number);
      continue;
    }
    --left;
    batch_.push_back(std::move(input));
  }
}

// Then none is given to the pool ahead: each result may say that there shall be no next job, or each start has its
// time, or each job has pipes, or its start is told.
bool Session::starts_at_once() const {
  return settings_.halt.has_value() || settings_.delay.count() > 0 || live_ || settings_.events;
}

std::size_t Session::room() const {
  if (display_.held() >= kMostHeld) return 0;
  if (starts_at_once()) {
    const std::size_t taken = flights_.size() + batch_.size();
    const auto workers = static_cast<std::size_t>(workers_);
    const std::size_t free = workers - std::min(taken, workers);
    return settings_.delay.count() > 0 ? std::min<std::size_t>(free, batch_.empty()) : free;
  }
  const std::size_t most = 2 * static_cast<std::size_t>(workers_) + kSpareJobs;
  // In batches: topping up after each job would cost a lock and a wake-up each.
  return flights_.size() > most / 2 + static_cast<std::size_t>(workers_) ? 0 : most - flights_.size();
}

void Session::launch() {
  std::vector<JobSpec> specs;
  specs.reserve(batch_.size());
  for (const Input& input : batch_) {
    std::optional<OutputPaths> paths;
    if (live_) paths = live_->begin(input.number, prefix_of(input));
    specs.push_back({.payload = task_.payload(input, paths ? &*paths : nullptr),
                     .options = job_options_,
                     .completions = completions_,
                     .tag = input.number});
    if (recorder_) recorder_->begin(input, specs.back().payload);
  }
  if (recorder_) recorder_->commit();
  const std::vector<JobPtr> jobs = pool().submit_all(std::move(specs));
  for (std::size_t i = 0; live_ && i < jobs.size(); ++i) pool_->watch(jobs[i]);
  for (const Input& input : batch_) task_.show_start(input, screen()(input.number));
  output_.flush();
  for (std::size_t i = 0; i < jobs.size(); ++i)
    flights_.emplace(batch_[i].number, Flight{std::move(batch_[i]), jobs[i]});
  batch_.clear();
  if (settings_.delay.count() > 0) next_start_ = monotonic_now() + settings_.delay.count();
}

// When something is to be done though no job has ended. (What was read and not launched waits for its time.)
std::optional<MonotonicNs> Session::next_due() const {
  std::optional<MonotonicNs> due = progress_.next_due();
  if (!batch_.empty()) due = std::min(due.value_or(next_start_), next_start_);
  if (budget_until_ && flights_.empty()) due = std::min(due.value_or(*budget_until_), *budget_until_);
  return due;
}

// Made when there is a first job, and no larger than what is known to come.
Pool& Session::pool() {
  if (pool_) return *pool_;
  PoolOptions options = task_.pool_options();
  options.budget = settings_.budget;
  options.stall = settings_.stall;
  options.stop_signals = settings_.stop_signals;
  options.niceness = settings_.niceness;
  options.workers = inputs_ended_ && !batch_.empty() ? std::min(workers_, static_cast<int>(batch_.size())) : workers_;
  pool_.emplace(std::move(options));
  if (live_) pool_->set_watcher([this](std::span<const JobPtr>) { signals_.wake(); });
  return *pool_;
}

// --- the pool to the user ---

void Session::wait() {
  progress_.show(tally(), monotonic_now());
  const Signals::Held held;
  if (signals_.take_news()) return;
  if (flights_.empty())
    Signals::sleep(held, next_due());
  else
    wait_for_jobs(held);
}

void Session::wait_for_jobs(const Signals::Held& held) {
  if (live_) {  // asleep on the pipes; the watcher wakes us when a job has ended
    if (completions_->empty()) Signals::sleep(held, next_due(), live_->watched());
    return;
  }
  pool_->wait([this] { return !completions_->empty(); }, {.deadline = next_due(), .signals = held.mask()});
}

void Session::collect() {
  if (live_) live_->show(screen());
  const std::vector<JobPtr> jobs = completions_->take_all();
  if (recorder_ || results_) record(jobs);
  for (const JobPtr& job : jobs) finish(job);
  output_.flush();
  if (job_log_) job_log_->flush();
}

void Session::record(const std::vector<JobPtr>& jobs) {
  for (const JobPtr& job : jobs) {
    if (recorder_) recorder_->end(*job);
    if (results_ && !is_withdrawn(*job)) results_->add(flights_.at(job->tag()).input, *job);
  }
  if (recorder_) recorder_->commit();
  if (results_) results_->commit();
}

bool Session::is_withdrawn(const Job& job) const {
  const auto* timed_out = std::get_if<TimedOut>(&job.outcome());
  const bool run_ended = stopping_ || (timed_out && timed_out->limit == Limit::kBudget);
  return std::holds_alternative<Cancelled>(job.outcome()) || never_began_for_lack_of_workers(job) ||
         (run_ended && job.attempts().empty());
}

void Session::finish(const JobPtr& job) {
  const auto found = flights_.find(job->tag());
  Flight flight = std::move(found->second);
  flights_.erase(found);
  if (never_began_for_lack_of_workers(*job)) give_up(pool_->failure());
  heed_limits(*job);
  const LiveOutput::Sizes live_sizes = live_ ? live_->end(job->tag(), screen()) : LiveOutput::Sizes();
  flight.withdrawn = is_withdrawn(*job);
  if (flight.withdrawn) {
    ++(job->attempts().empty() ? not_run_ : killed_jobs_);
    if (settings_.events) show(flight);
  } else {
    ++done_;
    failed_ += !task_.succeeded(*job);
    write_down(flight, live_sizes);
    show(flight);
  }
  pass_over(job->tag());
}

// Others wait for their turn behind it.
void Session::pass_over(std::uint64_t number) {
  if (result_files_) result_files_->end(number);
  display_.end(number);
}

LiveOutput::SinkOf Session::screen() {
  return [this](std::uint64_t number) -> Sink& {
    progress_.erase();
    return display_.of(number);
  };
}

std::string Session::prefix_of(const Input& input) const {
  return settings_.tag ? input.text() + "\t" : "";
}

void Session::write_down(const Flight& flight, const LiveOutput::Sizes& live_sizes) {
  if (!job_log_ && !result_files_) return;
  const Job& job = *flight.job;
  JobLogEntry entry = joblog_entry(flight.input.number, job, task_.describe(flight.input));
  if (live_) entry.output_bytes = live_sizes.output;
  if (job_log_) job_log_->add(entry);
  if (!result_files_) return;
  Outputs outputs = task_.outputs(job);
  result_files_->add({.input = flight.input,
                      .entry = std::move(entry),
                      .output = std::move(outputs.output),
                      .error_output = std::move(outputs.error_output)});
}

void Session::show(const Flight& flight) {
  progress_.erase();
  Sink& sink = display_.of(flight.input.number);
  if (!result_files_) task_.show(flight.input, *flight.job, prefix_of(flight.input), sink);
  if (!killed_ && !flight.withdrawn && !task_.succeeded(*flight.job)) complain(flight, sink);
}

void Session::complain(const Flight& flight, Sink& sink) {
  const std::string complaint = task_.complaint(*flight.job);
  if (complaint.empty()) return;
  const std::size_t attempts = flight.job->attempts().size();
  sink.write_error(fmt::format("prong: job {} '{}': {}{}\n", flight.input.number,
                               shortened(task_.describe(flight.input)), complaint,
                               attempts > 1 ? fmt::format(" ({} attempts)", attempts) : ""));
}

// --- the end of workers ---

void Session::end_workers() {
  if (!pool_ || killed_ || !trouble_.empty() || !task_.workers_end_in_order()) return;
  pool_->close();
  wait_for_workers();
  hear_finalizers();
}

void Session::wait_for_workers() {
  while (!killed_) {
    heed_signals();
    const Signals::Held held;
    if (signals_.take_news()) continue;
    if (pool_->join({.deadline = std::nullopt, .signals = held.mask()}) == WaitResult::kReady) return;
  }
}

void Session::hear_finalizers() {
  const std::vector<Outcome> outcomes = pool_->finalizer_outcomes();
  const auto failed = [](const Outcome& outcome) { return !succeeded(outcome, false); };
  const auto first = std::ranges::find_if(outcomes, failed);
  if (first == outcomes.end() || killed_) return;
  trouble_ = fmt::format("the finalizer {} (in {} of {} workers)", describe(*first),
                         std::ranges::count_if(outcomes, failed), outcomes.size());
  if (const auto* raised = std::get_if<Raised>(&*first)) trouble_ += "\n" + raised->traceback;
  trouble_ = trouble_.substr(0, trouble_.find_last_not_of('\n') + 1);
}

// --- signals ---

void Session::heed_signals() {
  const Signals::Wish wish = signals_.wish();
  if (wish == Signals::Wish::kGoOn) return;
  if (!stopping_) {
    stop();
    if (wish == Signals::Wish::kStopStarting && !flights_.empty())
      say(fmt::format("stopping; {} running {} may end (Ctrl-C again kills)", flights_.size(),
                      flights_.size() == 1 ? "job" : "jobs"));
  }
  if (wish >= Signals::Wish::kKillJobs && !killed_) kill();
  if (wish == Signals::Wish::kKillAtOnce && pool_) pool_->terminate();
}

void Session::heed_halt() {
  if (!settings_.halt || stopping_ || !settings_.halt->met(tally())) return;
  const std::string reason = settings_.halt->reason(tally());
  stop();
  const std::size_t running = flights_.size();
  std::string message = "halt: " + reason + "; no more are started";
  if (running > 0)
    message += fmt::format(", {} running {} {}", running, running == 1 ? "is" : "are",
                           settings_.halt->kill ? "killed" : "left to end");
  say(message);
  if (settings_.halt->kill) kill();
}

// The pool's budget ends the jobs; where there is none, it is for us to end the run.
void Session::start_budget() {
  budget_until_ = monotonic_now() + settings_.budget.count();
  pool();
}

void Session::heed_budget() {
  if (!budget_until_ || stopping_ || !flights_.empty() || monotonic_now() < *budget_until_) return;
  limit_met_ = true;
  stop_starting();
}

void Session::heed_limits(const Job& job) {
  const auto* timed_out = std::get_if<TimedOut>(&job.outcome());
  if (!timed_out) return;
  limit_met_ |= timed_out->limit == Limit::kBudget || timed_out->limit == Limit::kStall;
  if (timed_out->limit == Limit::kBudget) stop_starting();
}

void Session::stop() {
  stop_starting();
  withdraw_queued();
  collect();
}

void Session::kill() {
  killed_ = true;
  if (!pool_) return;
  if (settings_.stop_signals.empty()) return pool_->terminate();
  pool_->close();  // no worker takes the place of one that is killed
  for (const auto& [number, flight] : flights_) pool_->kill(flight.job);
}

void Session::stop_starting() {
  inputs_left_ |= !inputs_ended_;
  stopping_ = true;
  inputs_ended_ = true;
  not_run_ += batch_.size();
  batch_.clear();
}

void Session::give_up(const std::string& why) {
  stop_starting();
  limit_met_ |= budget_until_ && monotonic_now() >= *budget_until_;
  if (limit_met_) return;
  trouble_ = why.substr(0, why.find_last_not_of('\n') + 1);
}

void Session::withdraw_queued() {
  for (const auto& [number, flight] : flights_) pool_->withdraw(flight.job);
}

void Session::say(const std::string& message) {
  progress_.erase();
  output_.write_error("prong: " + message + "\n");
  output_.flush();
}

Tally Session::tally() const {
  const std::optional<std::uint64_t> total = inputs_ended_ ? started_ : total_;
  return {.done = done_, .failed = failed_, .total = total, .earlier = recorder_ ? recorder_->earlier().all() : 0};
}

}  // namespace prong::cli
