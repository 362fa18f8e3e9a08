#include "prong/options.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "base/duration.h"
#include "prong/error.h"

namespace prong {
namespace {

/// `what_is_wrong` makes the text, which takes longer than all the checks of a job's options.
template <typename MakeText>
void require(bool holds, const MakeText& what_is_wrong) {
  if (!holds) throw UsageError(what_is_wrong());
}

void not_negative(const char* name, std::chrono::nanoseconds value) {
  require(value.count() >= 0,
          [&] { return std::string(name) + " is " + base::describe(value) + "; it must be positive, or 0 for none"; });
}

void not_negative(const char* name, int value, const char* meaning_of_zero) {
  require(value >= 0, [&] {
    return std::string(name) + " is " + std::to_string(value) + "; it must be positive, or 0 for " + meaning_of_zero;
  });
}

void check(const RetryPolicy& policy) {
  not_negative("retries", policy.retries, "none");
  not_negative("quarantine_after", policy.quarantine_after, "never");
  not_negative("backoff", policy.backoff);
  not_negative("max_backoff", policy.max_backoff);
  require(policy.jitter >= 0 && policy.jitter <= 1,
          [&] { return "jitter is " + std::to_string(policy.jitter) + "; it must lie between 0 and 1"; });
}

void check(const Program& program) {
  require(!program.arguments.empty() && !program.arguments.front().empty(),
          [] { return "program has no arguments; its first one must be the path to execute"; });
  for (const std::string& entry : program.environment)
    require(!entry.empty() && entry.front() != '=', [&] {
      return "program environment has the entry '" + entry + "'; it must be NAME=value, or NAME to remove it";
    });
}

/// A worker of commands goes on after these until its command has ended; it does not after others.
constexpr std::array kStopSignals = {SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM};

void check(const std::vector<StopSignal>& signals) {
  require(signals.size() <= kMostStopSignals, [&] {
    return "stop_signals has " + std::to_string(signals.size()) + " signals; at most " +
           std::to_string(kMostStopSignals) + " are sent";
  });
  for (const StopSignal& each : signals) {
    require(std::ranges::find(kStopSignals, each.signal) != kStopSignals.end(), [&] {
      return "stop_signals has the signal " + std::to_string(each.signal) +
             "; it must be SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE or SIGKILL";
    });
    not_negative("the wait in stop_signals", each.wait);
  }
}

}  // namespace

void check(const JobOptions& options) {
  not_negative("timeout", options.timeout);
  not_negative("cpu_time", options.cpu_time);
  not_negative("queue_time", options.queue_time);
  check(options.retry);
}

void check(const PoolOptions& options) {
  not_negative("workers", options.workers, "one per usable CPU");
  not_negative("max_jobs_per_worker", options.max_jobs_per_worker, "no limit");
  not_negative("start_timeout", options.start_timeout);
  not_negative("max_worker_age", options.max_worker_age);
  not_negative("idle_timeout", options.idle_timeout);
  not_negative("min_workers", options.min_workers, "none");
  require(options.workers == 0 || options.min_workers <= options.workers, [&] {
    return "min_workers is " + std::to_string(options.min_workers) + "; it must be at most workers, which is " +
           std::to_string(options.workers);
  });
  not_negative("budget", options.budget);
  not_negative("stall", options.stall);
  not_negative("grace", options.grace);
  check(options.stop_signals);
  for (const int number : options.descriptors)
    require(number >= 3, [&] { return "descriptors has " + std::to_string(number) + "; it must be 3 or more"; });
  require(options.descriptors.empty() || options.start == StartKind::kCommand,
          [] { return "descriptors is set; only a pool of kind command can hand them on"; });
  require(options.niceness >= 0 && options.niceness <= 19,
          [&] { return "niceness is " + std::to_string(options.niceness) + "; it must lie between 0 and 19"; });
  not_negative("initializer_timeout", options.initializer_timeout);
  not_negative("finalizer_timeout", options.finalizer_timeout);
  if (options.start == StartKind::kFresh || options.start == StartKind::kSpawn) check(options.program);
  require(options.start != StartKind::kFork || options.fork_template,
          [] { return "fork_template is not set; a pool of kind fork must say what its template runs"; });
}

bool may_be_batches(const JobOptions& job, const PoolOptions& pool) noexcept {
  const bool counts = job.cpu_time.count() != 0 || job.memory != 0 || job.output != 0 || job.queue_time.count() != 0;
  const bool ends_worker = job.fresh || job.leftovers == Leftovers::kKill || pool.max_jobs_per_worker != 0 ||
                           pool.max_worker_memory != 0 || pool.max_worker_age.count() != 0;
  return !counts && !ends_worker && job.retry.retries == 0 && job.key.empty() && pool.stall.count() == 0;
}

}  // namespace prong
