#include "cli/log/log_summary.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

#include <fmt/format.h>

namespace prong::cli {
namespace {

constexpr std::size_t kSlowest = 5;
constexpr double kNsPerSecond = 1e9;

class Summary {
 public:
  void add(const JournalJob& job) {
    ++states_[job.state];
    if (job.state == JobState::kFailed) ++failures_[job.last.outcome.empty() ? "never began" : job.last.outcome];
    retried_ += job.attempts > 1;
    if (job.last.started == 0) return;
    first_ = std::min(first_, job.last.started);
    last_ = std::max(last_, job.last.ended);
    const double seconds = seconds_of(job.last);
    seconds_.push_back(seconds);
    total_ += seconds;
    cpu_ += std::max<std::int64_t>(job.last.cpu, 0);
    without_cpu_ += job.last.cpu < 0;
    if (job.last.peak_memory > peak_memory_) {
      peak_memory_ = job.last.peak_memory;
      largest_ = job.number;
    }
    add_slow(job, seconds);
  }

  std::string text(const JournalRun& run);

 private:
  struct Slow {
    double seconds;
    std::uint64_t number;
    std::string description;
  };

  void add_slow(const JournalJob& job, double seconds) {
    if (slowest_.size() == kSlowest && seconds <= slowest_.back().seconds) return;
    const auto after = std::ranges::upper_bound(slowest_, seconds, std::greater<>(), &Slow::seconds);
    slowest_.insert(after, {seconds, job.number, job.description});
    if (slowest_.size() > kSlowest) slowest_.pop_back();
  }

  // Nearest rank.
  double percentile(int percent) const {
    const std::size_t rank = (seconds_.size() * static_cast<std::size_t>(percent) + 99) / 100;
    return seconds_[std::max<std::size_t>(rank, 1) - 1];
  }

  std::string counts() const;
  std::string times(const JournalRun& run);
  std::string usage() const;

  std::map<JobState, std::uint64_t> states_;
  std::map<std::string, std::uint64_t> failures_;
  std::uint64_t retried_ = 0;
  std::vector<double> seconds_;
  double total_ = 0;
  std::int64_t cpu_ = 0;
  std::uint64_t without_cpu_ = 0;
  std::int64_t peak_memory_ = -1;
  std::uint64_t largest_ = 0;  // job
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_ = 0;
  std::vector<Slow> slowest_;
};

std::string Summary::counts() const {
  constexpr std::array<std::pair<JobState, const char*>, 4> kNames = {{{JobState::kDone, "done"},
                                                                       {JobState::kFailed, "failed"},
                                                                       {JobState::kQueued, "not run"},
                                                                       {JobState::kDispatched, "running or killed"}}};
  std::string text;
  for (const auto& [state, name] : kNames)
    if (const auto found = states_.find(state); found != states_.end())
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", found->second, name);
  std::string causes;
  for (const auto& [outcome, count] : failures_)
    causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", count, outcome);
  if (!causes.empty()) text += " (" + causes + ")";
  if (retried_ > 0) text += fmt::format(", {} tried more than once", retried_);
  return text;
}

std::string Summary::times(const JournalRun& run) {
  std::ranges::sort(seconds_);
  const double wall = static_cast<double>(last_ - first_) / kNsPerSecond;
  std::string text = fmt::format("time     {} from {}, {:.1f} jobs/s\n", seconds_text(wall), time_text(first_),
                                 wall > 0 ? static_cast<double>(seconds_.size()) / wall : 0);
  if (wall > 0 && run.description.workers > 0)
    text += fmt::format("workers  {}, busy for {:.0f} %\n", run.description.workers,
                        100 * total_ / wall / run.description.workers);
  text += usage();
  text += fmt::format("a job    half {}, 90 % {}, 99 % {}, longest {}\n", seconds_text(percentile(50)),
                      seconds_text(percentile(90)), seconds_text(percentile(99)), seconds_text(seconds_.back()));
  text += "slowest\n";
  for (const Slow& slow : slowest_)
    text += fmt::format("  {:>9}  job {}: {}\n", seconds_text(slow.seconds), slow.number, slow.description);
  return text;
}

std::string Summary::usage() const {
  std::string text;
  if (without_cpu_ < seconds_.size()) {
    text = "CPU      " + seconds_text(static_cast<double>(cpu_) / kNsPerSecond);
    text += without_cpu_ > 0
                ? fmt::format(", and that of {} of {} jobs, which is not known\n", without_cpu_, seconds_.size())
                : "\n";
  }
  if (peak_memory_ >= 0)
    text += fmt::format("memory   {}, the most of one job (job {})\n", memory_text(peak_memory_), largest_);
  return text;
}

std::string Summary::text(const JournalRun& run) {
  std::string text = fmt::format("run {}    {}\n", run.id, run.description.command);
  text += "jobs     " + (states_.empty() ? "none" : counts()) + "\n";
  if (!seconds_.empty()) text += times(run);
  return text;
}

}  // namespace

std::string summary_of(JournalReader& reader, const JournalRun& run, const LogFilter& filter) {
  Summary summary;
  reader.each_job(run.id, [&](const JournalJob& job) {
    if (filter.matches(job)) summary.add(job);
  });
  return summary.text(run);
}

}  // namespace prong::cli
