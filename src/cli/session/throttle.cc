#include "cli/session/throttle.h"

#include <algorithm>
#include <fstream>
#include <string>

#include <fmt/format.h>

#include "prong/options.h"

namespace prong::cli {
namespace {

// Between two jobs while all is well: until then a new one has shown what it does, and not too long for short jobs.
constexpr MonotonicNs kSettled = 20'000'000;
constexpr double kMegabyte = 1024 * 1024;

}  // namespace

double present_load() {
  std::ifstream file("/proc/stat");
  double load = -1;  // this process runs, too
  bool found = false;
  for (std::string word; file >> word;) {
    double number = 0;
    if (word != "procs_running" && word != "procs_blocked") continue;
    found = true;
    if (file >> number) load += number;
  }
  if (found) return std::max(load, 0.0);
  std::ifstream("/proc/loadavg") >> load;
  return std::max(load, 0.0);
}

Throttle::Throttle(const ThrottleRules& rules)
    : Throttle(rules, {.load = present_load, .free_memory = available_memory}) {}

bool Throttle::load_allows() const {
  return rules_.load <= 0 || load_ + started_ < rules_.load;
}

bool Throttle::memory_allows() const {
  return rules_.free_memory == 0 || free_memory_ >= rules_.free_memory;
}

void Throttle::measure(MonotonicNs now, MonotonicNs not_before) {
  if (now < not_before) return;
  measured_ = now;
  started_ = 0;
  if (rules_.load > 0) load_ = meters_.load();
  if (rules_.free_memory > 0) free_memory_ = meters_.free_memory();
}

bool Throttle::may_start(MonotonicNs now) {
  measure(now, measured_ + kSettled);
  // What a job will take shows only when it runs.
  const bool settled = rules_.free_memory == 0 || measured_ >= started_at_ + kSettled;
  return settled && load_allows() && memory_allows();
}

void Throttle::started(MonotonicNs now) {
  ++started_;
  started_at_ = now;
}

bool Throttle::is_short_of_memory(MonotonicNs now) {
  if (rules_.free_memory == 0) return false;
  measure(now, measured_ + kSettled);
  return free_memory_ < rules_.free_memory / 2;
}

std::string Throttle::reason() const {
  if (!memory_allows())
    return fmt::format("{:.0f} MiB of memory are available, not {:.0f}", static_cast<double>(free_memory_) / kMegabyte,
                       static_cast<double>(rules_.free_memory) / kMegabyte);
  return load_allows() ? "" : fmt::format("the load is {}, not below {}", load_ + started_, rules_.load);
}

}  // namespace prong::cli
