#include "pool/usage_watch.h"

#include <algorithm>

#include "os/cpus.h"
#include "os/usage.h"

namespace prong::pool {
namespace {

/// Memory can be touched at about 1.6 GB/s: a job exceeds its limit by some 16 MB until that is seen.
constexpr MonotonicNs kPeriod = 10'000'000;
constexpr MonotonicNs kShortestPause = 1'000'000;

std::uint64_t growth(std::uint64_t now, std::uint64_t before) {
  return now > before ? now - before : 0;
}

}  // namespace

UsageWatch::UsageWatch(const JobOptions& options, pid_t worker, const MemoryUse& earlier, MonotonicNs now)
    : options_(options), worker_(worker), next_look_(now) {
  if (options.cpu_time.count() > 0) cpu_time_before_ = os::cpu_time_of_tree(worker);
  if (options.memory == 0) return;
  resident_before_ = os::resident_bytes_of_tree(worker);
  // It may have shrunk since: then its earlier size is no excuse.
  proportional_before_ = growth(earlier.proportional, growth(earlier.resident, resident_before_));
}

std::optional<TimedOut> UsageWatch::look(std::uint64_t output_bytes, MonotonicNs now) {
  if (now < next_look_) return std::nullopt;
  MonotonicNs pause = INT64_MAX - now;
  std::optional<TimedOut> exceeded;
  if (options_.output > 0) {
    exceeded = exceeds_output(options_, output_bytes);
    pause = std::min(pause, kPeriod);
  }
  if (options_.memory > 0 && !exceeded) {
    exceeded = look_at_memory();
    pause = std::min(pause, kPeriod);
  }
  if (options_.cpu_time.count() > 0 && !exceeded) {
    exceeded = look_at_cpu_time();
    pause = std::min(pause, until_cpu_limit_);
  }
  next_look_ = now + pause;
  return exceeded;
}

// Resident pages are quick to count, but those that processes share count for each of them: when they seem too many,
// they are counted exactly.
std::optional<TimedOut> UsageWatch::look_at_memory() {
  std::uint64_t used = growth(os::resident_bytes_of_tree(worker_), resident_before_);
  if (used > options_.memory) used = growth(os::proportional_bytes_of_tree(worker_), proportional_before_);
  peak_ = std::max(peak_, used);
  if (used <= options_.memory) return std::nullopt;
  return TimedOut{.limit = Limit::kMemory, .allowed_bytes = options_.memory, .peak_bytes = peak_};
}

std::optional<TimedOut> UsageWatch::look_at_cpu_time() {
  const auto used = os::cpu_time_of_tree(worker_) - cpu_time_before_;
  if (used >= options_.cpu_time) return TimedOut{.limit = Limit::kCpuTime, .allowed = options_.cpu_time};
  // All CPUs could work on it.
  static const int cpus = os::usable_cpus().count;
  const auto earliest = (options_.cpu_time - used) / cpus;
  until_cpu_limit_ = std::max<MonotonicNs>(earliest.count(), kShortestPause);
  return std::nullopt;
}

std::optional<TimedOut> exceeds_output(const JobOptions& options, std::uint64_t bytes) {
  if (options.output == 0 || bytes <= options.output) return std::nullopt;
  return TimedOut{.limit = Limit::kOutput, .allowed_bytes = options.output, .peak_bytes = bytes};
}

}  // namespace prong::pool
