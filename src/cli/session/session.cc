#include "cli/session/session.h"

#include <unistd.h>

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

// What waits in memory, besides the blocks of those jobs that run, is bounded.
std::size_t spare_blocks(const BlockRules& rules) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  return std::clamp<std::size_t>(kBytes / std::max<std::size_t>(rules.bytes, 1), 1, kSpareJobs);
}

bool never_began_for_lack_of_workers(const Job& job) {
  const auto* lost = std::get_if<Lost>(&job.outcome());
  return lost && lost->reason == LostReason::kStartFailed && job.attempts().empty();
}

std::string current_folder() {
  std::error_code error;
  return std::filesystem::current_path(error).string();
}

}  // namespace

Session::Session(const Settings& settings, const Task& task, Inputs& inputs,
                 const std::vector<std::string>& column_names, Signals& signals, JobTokens* tokens)
    : settings_(settings),
      task_(task),
      inputs_(inputs),
      signals_(signals),
      tokens_(tokens),
      job_options_(std::make_shared<JobOptions>(settings.job)),
      workers_(settings.workers > 0 ? settings.workers : usable_cpus()),
      progress_(settings.progress, began_),
      presenter_(settings, task, column_names, progress_,
                 [&signals] { return signals.wish() >= Signals::Wish::kKillJobs; }),
      throttle_(settings.throttle),
      control_(*this, signals) {
  if (settings.journal.wanted()) {
    const RunDescription run{.command = settings.command_line, .folder = current_folder(), .workers = workers_};
    recorder_.emplace(settings.journal, run, task);
  }
  results_ = task_.result_store();
  if (progress_.shown() || (settings.halt && settings.halt->percent > 0)) total_ = inputs_.total();
}

int Session::run() {
  if (settings_.budget.count() > 0) start_budget();
  while (!over()) {
    heed_signals();
    heed_halt();
    heed_budget();
    control_.heed();
    heed_memory();
    feed();
    if (!over()) wait();
    collect();
  }
  progress_.finish(tally(), monotonic_now());
  say_what_was_skipped();
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
  // Of a run that is continued it is not known which of the rest were done before; and to count blocks takes long.
  const bool unknown = settings_.journal.resume || settings_.journal.retry_failed || settings_.sources.pipe;
  if (inputs_left_ && unknown) end.more = true;
  if (inputs_left_ && !unknown) end.count_rest(inputs_);
  if (end.killed + end.not_run > 0 || end.more) say("ended early: " + end.text());
}

// --- inputs to the pool ---

void Session::feed() {
  try {
    do {
      read_what_can_be();
      if (batch_.empty() || !may_start()) return;
      launch();
    } while (starts_singly());
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
    Start start;
    if (next_start(start) != Next::kInput) return;
    if (recorder_ && start.is_new() && !recorder_->admit(start.input)) {
      presenter_.pass_over(start.input.number);
      continue;
    }
    --left;
    batch_.push_back(std::move(start));
  }
}

Next Session::next_start(Start& start) {
  if (!put_back_.empty()) {
    start = std::move(put_back_.front());
    put_back_.pop_front();
    return Next::kInput;
  }
  if (inputs_ended_) return Next::kEnd;
  const Next next = inputs_.next(start.input.values);
  inputs_ended_ = next == Next::kEnd;
  if (next == Next::kInput) start.input.number = ++started_;
  return next;
}

// Then none is given to the pool ahead: each result may say that there shall be no next job, or each start has its
// time, or each job has pipes, or its start is told.
bool Session::starts_at_once() const {
  return settings_.halt.has_value() || presenter_.is_live() || settings_.events || starts_singly();
}

bool Session::starts_singly() const {
  return settings_.delay.count() > 0 || throttle_.wanted() || tokens_ != nullptr;
}

bool Session::may_start() {
  const MonotonicNs now = monotonic_now();
  next_try_.reset();
  if (paused_) return false;
  if (now < next_start_) {
    next_try_ = next_start_;
    return false;
  }
  if (!throttle_.may_start(now)) {
    next_try_ = throttle_.next_look();
    return false;
  }
  return tokens_ == nullptr || tokens_->hold(flights_.size());  // one of the jobs needs none
}

std::size_t Session::room() const {
  if (presenter_.held() >= kMostHeld) return 0;
  const std::size_t taken = flights_.size() + batch_.size();
  if (starts_at_once()) {
    const auto workers = static_cast<std::size_t>(workers_);
    const std::size_t free = workers - std::min(taken, workers);
    return starts_singly() ? std::min<std::size_t>(free, batch_.empty()) : free;
  }
  if (settings_.sources.pipe) {
    const std::size_t most_blocks = static_cast<std::size_t>(workers_) + spare_blocks(settings_.sources.blocks);
    return most_blocks - std::min(most_blocks, taken);
  }
  const std::size_t most = 2 * static_cast<std::size_t>(workers_) + kSpareJobs;
  // In batches: topping up after each job would cost a lock and a wake-up each.
  return taken > most / 2 + static_cast<std::size_t>(workers_) ? 0 : most - taken;
}

Payload Session::payload_of(Input& input) {
  const std::optional<OutputPaths> live = presenter_.begin(input);
  return task_.payload(input, live ? &*live : nullptr);
}

void Session::launch() {
  std::vector<JobSpec> specs;
  specs.reserve(batch_.size());
  for (Start& start : batch_) {
    const bool is_new = start.is_new();
    if (is_new) start.payload = payload_of(start.input);
    specs.push_back(
        {.payload = start.payload, .options = job_options_, .completions = completions_, .tag = start.input.number});
    if (recorder_ && is_new) recorder_->begin(start.input, start.payload);
  }
  if (recorder_) recorder_->commit();
  const std::vector<JobPtr> jobs = pool().submit_all(std::move(specs));
  for (std::size_t i = 0; presenter_.is_live() && i < jobs.size(); ++i) pool_->watch(jobs[i]);
  for (const Start& start : batch_) presenter_.show_start(start.input);
  presenter_.flush();
  for (std::size_t i = 0; i < jobs.size(); ++i)
    flights_.emplace(batch_[i].input.number,
                     Flight{.input = std::move(batch_[i].input),
                            .job = jobs[i],
                            .payload = settings_.throttle.free_memory > 0 ? batch_[i].payload : Payload(),
                            .launch = ++launches_});
  batch_.clear();
  throttle_.started(monotonic_now());
  if (settings_.delay.count() > 0) next_start_ = monotonic_now() + settings_.delay.count();
}

// When something is to be done though no job has ended. (What was read and not launched waits for its time.)
std::optional<MonotonicNs> Session::next_due() const {
  std::optional<MonotonicNs> due = progress_.next_due();
  const auto consider = [&due](MonotonicNs at) { due = std::min(due.value_or(at), at); };
  if (!batch_.empty() && next_try_) consider(*next_try_);
  if (settings_.throttle.free_memory > 0 && flights_.size() > 1) consider(throttle_.next_look());
  if (budget_until_ && flights_.empty()) consider(*budget_until_);
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
  if (tokens_ != nullptr && options.start == StartKind::kCommand) options.descriptors = tokens_->descriptors();
  options.workers = inputs_ended_ && !batch_.empty() ? std::min(workers_, static_cast<int>(batch_.size())) : workers_;
  pool_.emplace(std::move(options));
  if (paused_) pool_->resize(0);
  if (presenter_.is_live()) pool_->set_watcher([this](std::span<const JobPtr>) { signals_.wake(); });
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
  if (presenter_.is_live()) {  // asleep on the pipes; the watcher wakes us when a job has ended
    if (completions_->empty()) Signals::sleep(held, next_due(), presenter_.watched());
    return;
  }
  pool_->wait([this] { return !completions_->empty(); }, {.deadline = next_due(), .signals = held.mask()});
}

void Session::collect() {
  presenter_.show_live();
  const std::vector<JobPtr> jobs = completions_->take_all();
  if (recorder_ || results_) record(jobs);
  for (const JobPtr& job : jobs) finish(job);
  if (tokens_ != nullptr) tokens_->keep(flights_.empty() ? 0 : flights_.size() - 1);
  if (tokens_ != nullptr && batch_.empty()) tokens_->want_none();
  presenter_.flush();
}

void Session::record(const std::vector<JobPtr>& jobs) {
  for (const JobPtr& job : jobs) {
    if (is_put_back(flights_.at(job->tag()), *job)) continue;
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

bool Session::is_put_back(const Flight& flight, const Job& job) const {
  return flight.put_back && !stopping_ && std::holds_alternative<Cancelled>(job.outcome());
}

void Session::finish(const JobPtr& job) {
  const auto found = flights_.find(job->tag());
  Flight flight = std::move(found->second);
  flights_.erase(found);
  if (never_began_for_lack_of_workers(*job)) give_up(pool_->failure());
  if (is_put_back(flight, *job))
    return put_back_.push_back({.input = std::move(flight.input), .payload = std::move(flight.payload)});
  heed_limits(*job);
  const bool withdrawn = is_withdrawn(*job);
  if (withdrawn) {
    ++(job->attempts().empty() ? not_run_ : killed_jobs_);
  } else {
    ++done_;
    failed_ += !task_.succeeded(*job);
  }
  using Telling = Presenter::Telling;
  presenter_.end(flight.input, *job,
                 withdrawn ? Telling::kEventAlone
                 : killed_ ? Telling::kNoComplaint
                           : Telling::kAll);
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
    control_.heed();
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

/// One at a time, until its memory is free; never the last one, which could not be run at all otherwise.
void Session::heed_memory() {
  if (flights_.size() < 2 || stopping_ || !throttle_.is_short_of_memory(monotonic_now())) return;
  if (std::ranges::any_of(flights_, [](const auto& each) { return each.second.put_back; })) return;
  const auto later = [](const auto& one, const auto& other) { return one.second.launch < other.second.launch; };
  Flight& youngest = std::ranges::max_element(flights_, later)->second;
  if (!pool_->kill(youngest.job)) return;
  youngest.put_back = true;
  say(fmt::format("{} is killed and put back: {}", name_of_job(task_, youngest.input), throttle_.reason()));
}

// --- prong ctl ---

nlohmann::json Session::report() const {
  const Tally now = tally();
  std::size_t running = 0;
  if (pool_) {
    const std::vector<WorkerInfo> workers = pool_->workers();
    running = static_cast<std::size_t>(std::ranges::count(workers, "busy", &WorkerInfo::state));
  }
  const char* state = stopping_ ? "stopping" : paused_ ? "paused" : "running";
  return {{"pid", ::getpid()},
          {"state", state},
          {"jobs", workers_},
          {"running", running},
          {"done", now.done},
          {"failed", now.failed},
          {"skipped", now.skipped},
          {"total", now.total ? nlohmann::json(*now.total) : nlohmann::json()},
          {"waiting", batch_.empty() ? "" : throttle_.reason()},
          {"seconds", static_cast<double>(monotonic_now() - began_) / 1e9}};
}

void Session::set_jobs(int jobs) {
  workers_ = jobs;
  if (pool_ && !paused_ && !stopping_) pool_->resize(jobs);
}

void Session::set_paused(bool paused) {
  if (stopping_) return;
  paused_ = paused;
  if (pool_) pool_->resize(paused ? 0 : workers_);
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
  not_run_ += batch_.size() + put_back_.size();
  batch_.clear();
  put_back_.clear();
}

void Session::give_up(const std::string& why) {
  stop_starting();
  limit_met_ |= budget_until_ && monotonic_now() >= *budget_until_;
  if (limit_met_) return;
  trouble_ = task_.explain(why);
  trouble_.erase(trouble_.find_last_not_of('\n') + 1);
}

void Session::withdraw_queued() {
  for (const auto& [number, flight] : flights_) pool_->withdraw(flight.job);
}

void Session::say_what_was_skipped() {
  const std::uint64_t skipped = inputs_.skipped();
  if (skipped > 0) say(fmt::format("{} {} skipped: the key came before", skipped, skipped == 1 ? "input" : "inputs"));
}

Tally Session::tally() const {
  const std::uint64_t skipped = inputs_.skipped();
  std::optional<std::uint64_t> total = total_;
  if (inputs_ended_)
    total = started_;
  else if (total)
    *total = std::max(*total - std::min(*total, skipped), started_);
  return {.done = done_,
          .failed = failed_,
          .total = total,
          .skipped = skipped,
          .earlier = recorder_ ? recorder_->earlier().all() : 0};
}

}  // namespace prong::cli
