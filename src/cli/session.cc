#include "cli/session.h"

#include <algorithm>

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

std::string shortened(std::string text) {
  if (text.size() <= kLongestDescription) return text;
  text.resize(kLongestDescription);
  return text + "...";
}

}  // namespace

Session::Session(const Settings& settings, const Task& task, Inputs& inputs, Signals& signals)
    : settings_(settings),
      task_(task),
      inputs_(inputs),
      signals_(signals),
      job_options_(std::make_shared<JobOptions>(settings.job)),
      workers_(settings.workers > 0 ? settings.workers : usable_cpus()),
      ordered_(settings.keep_order),
      output_(1, 2, [this] { return signals_.wish() == Signals::Wish::kKillJobs; }),
      progress_(settings.progress, monotonic_now()) {
  if (!settings.job_log.empty()) job_log_.emplace(settings.job_log);
  if (progress_.shown() || (settings.halt && settings.halt->percent > 0)) total_ = inputs_.total();
}

int Session::run() {
  while (!over()) {
    heed_signals();
    heed_halt();
    feed();
    if (!over()) wait();
    collect();
  }
  progress_.finish(tally(), monotonic_now());
  if (!trouble_.empty()) throw PoolError(trouble_);
  return status();
}

int Session::status() const {
  const int interrupted = signals_.exit_status();
  return interrupted != 0 ? interrupted : status_for_failures(failed_);
}

// --- inputs to the pool ---

void Session::feed() {
  if (!inputs_ended_) read_ahead();
  try {
    if (!batch_.empty() && monotonic_now() >= next_start_) launch();
  } catch (const PoolError& error) {
    give_up(error.what());
  }
}

void Session::read_ahead() {
  for (std::size_t left = room(); left > 0; --left) {
    Input input;
    const Next next = inputs_.next(input.values);
    if (next != Next::kInput) {
      inputs_ended_ = next == Next::kEnd;
      return;
    }
    input.number = ++started_;
    batch_.push_back(std::move(input));
  }
}

// Then none is given to the pool ahead: each result may say that there shall be no next job, or each start has its
// time.
bool Session::starts_at_once() const {
  return settings_.halt.has_value() || settings_.delay.count() > 0;
}

std::size_t Session::room() const {
  if (ordered_.held() >= kMostHeld) return 0;
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
  for (const Input& input : batch_)
    specs.push_back(
        {.payload = task_.payload(input), .options = job_options_, .completions = completions_, .tag = input.number});
  const std::vector<JobPtr> jobs = pool().submit_all(std::move(specs));
  for (std::size_t i = 0; i < jobs.size(); ++i)
    flights_.emplace(batch_[i].number, Flight{std::move(batch_[i]), jobs[i]});
  batch_.clear();
  if (settings_.delay.count() > 0) next_start_ = monotonic_now() + settings_.delay.count();
}

// When something is to be done though no job has ended. (What was read and not launched waits for its time.)
std::optional<MonotonicNs> Session::next_due() const {
  std::optional<MonotonicNs> due = progress_.next_due();
  if (!batch_.empty()) due = std::min(due.value_or(next_start_), next_start_);
  return due;
}

// Made when there is a first job, and no larger than what is known to come.
Pool& Session::pool() {
  if (pool_) return *pool_;
  PoolOptions options = task_.pool_options();
  options.budget = settings_.budget;
  options.stall = settings_.stall;
  options.workers = inputs_ended_ ? std::min(workers_, static_cast<int>(batch_.size())) : workers_;
  return pool_.emplace(std::move(options));
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
  pool_->wait([this] { return !completions_->empty(); }, {.deadline = next_due(), .signals = held.mask()});
}

void Session::collect() {
  for (const JobPtr& job : completions_->take_all()) finish(job);
  output_.flush();
  if (job_log_) job_log_->flush();
}

void Session::finish(const JobPtr& job) {
  const auto found = flights_.find(job->tag());
  Flight flight = std::move(found->second);
  flights_.erase(found);
  if (never_began_for_lack_of_workers(*job)) give_up(pool_->failure());
  const bool ended_by_halt = halted_ && std::holds_alternative<Cancelled>(job->outcome());
  flight.withdrawn = ended_by_halt || (stopping_ && job->attempts().empty());
  if (!flight.withdrawn) {
    ++done_;
    failed_ += !task_.succeeded(*job);
    if (job_log_) job_log_->add(flight.input.number, *job, task_.describe(flight.input));
  }
  ordered_.add(job->tag(), std::move(flight), [this](const Flight& next) { show(next); });
}

void Session::show(const Flight& flight) {
  if (flight.withdrawn) return;
  progress_.erase();
  task_.show(flight.input, *flight.job, settings_.tag ? flight.input.text() + "\t" : "", output_);
  if (!killed_ && !task_.succeeded(*flight.job)) complain(flight);
}

void Session::complain(const Flight& flight) {
  const std::string complaint = task_.complaint(*flight.job);
  if (complaint.empty()) return;
  const std::size_t attempts = flight.job->attempts().size();
  output_.write_error(fmt::format("prong: job {} '{}': {}{}\n", flight.input.number,
                                  shortened(task_.describe(flight.input)), complaint,
                                  attempts > 1 ? fmt::format(" ({} attempts)", attempts) : ""));
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
  if (wish == Signals::Wish::kKillJobs && !killed_) kill();
}

void Session::heed_halt() {
  if (!settings_.halt || stopping_ || !settings_.halt->met(tally())) return;
  halted_ = true;
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

void Session::stop() {
  stop_starting();
  withdraw_queued();
  collect();
}

void Session::kill() {
  killed_ = true;
  if (pool_) pool_->terminate();
}

void Session::stop_starting() {
  stopping_ = true;
  inputs_ended_ = true;
  batch_.clear();
}

void Session::give_up(const std::string& why) {
  stop_starting();
  trouble_ = why.substr(0, why.find_last_not_of('\n') + 1);
}

void Session::withdraw_queued() {
  for (const auto& [number, flight] : flights_) pool_->cancel(flight.job);
}

void Session::say(const std::string& message) {
  progress_.erase();
  output_.write_error("prong: " + message + "\n");
  output_.flush();
}

Tally Session::tally() const {
  const std::optional<std::uint64_t> total = inputs_ended_ ? started_ : total_;
  return {.done = done_, .failed = failed_, .total = total};
}

}  // namespace prong::cli
