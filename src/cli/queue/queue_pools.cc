#include "cli/queue/queue_pools.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "cli/tasks/map_result.h"

namespace prong::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kIdleWorker = 10s;
constexpr MonotonicNs kIdlePool = std::chrono::nanoseconds(1min).count();

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

/// What makes the environment of this process that of a submitter: those to be set, and names of those to be removed.
std::vector<std::string> changes_to(const std::vector<std::string>& environment) {
  std::vector<std::string> changes = environment;
  for (char** own = environ; *own != nullptr; ++own) {
    const auto same_name = [&](const std::string& variable) { return name_of(variable) == name_of(*own); };
    if (std::ranges::none_of(environment, same_name)) changes.emplace_back(name_of(*own));
  }
  return changes;
}

}  // namespace

std::string_view QueuedRun::returned() const {
  if (const auto* returned = std::get_if<Returned>(&job->outcome())) return decode_map_value(returned->value);
  if (const auto* raised = std::get_if<Raised>(&job->outcome())) return decode_map_value(raised->value);
  return {};
}

QueuePools::QueuePools(std::string queue, int jobs, std::uint64_t most_output, std::function<void()> wake)
    : queue_(std::move(queue)), jobs_(jobs), most_output_(most_output), wake_(std::move(wake)) {}

QueuedRun QueuePools::start(const TakenJob& job) {
  const QueuedOptions options = queued_options_of(job.options);
  const QueuedSurroundings surroundings = queued_surroundings_of(job.surroundings);
  QueuedRun run{.job = nullptr, .pool = nullptr, .is_command = options.is_command, .if_lost = options.if_lost};
  run.pool = pool_for(job.surroundings, surroundings, options.is_command);
  run.job =
      run.pool->submit({.payload = options.is_command ? command_of(job, surroundings)
                                                      : encode_map_input({std::to_string(job.number), job.payload}),
                        .options = std::make_shared<JobOptions>(options.job),
                        .completions = ended_,
                        .tag = job.number});
  if (!run.pool->watch(run.job)) wake_();
  return run;
}

std::shared_ptr<Pool> QueuePools::pool_for(const std::string& surroundings, const QueuedSurroundings& read,
                                           bool is_command) {
  const std::string key = is_command ? std::string() : surroundings;
  if (!pools_.contains(key)) make_room();
  Entry& entry = pools_[key];
  if (!entry.pool || !entry.pool->failure().empty()) {
    entry.pool = std::make_shared<Pool>(options_for(read, is_command));
    entry.pool->set_watcher([wake = wake_](std::span<const JobPtr>) { wake(); });
  }
  entry.last_used = monotonic_now();
  return entry.pool;
}

/// Of pools without jobs the one that was used longest ago goes: there may be as many surroundings as jobs.
void QueuePools::make_room() {
  const auto is_idle = [](const auto& each) { return !each.first.empty() && each.second.pool.use_count() == 1; };
  if (std::ranges::count_if(pools_, is_idle) <= jobs_) return;
  auto oldest = std::ranges::find_if(pools_, is_idle);
  for (auto each = oldest; each != pools_.end(); ++each)
    if (is_idle(*each) && each->second.last_used < oldest->second.last_used) oldest = each;
  pools_.erase(oldest);
}

PoolOptions QueuePools::options_for(const QueuedSurroundings& surroundings, bool is_command) const {
  PoolOptions options;
  options.workers = jobs_;
  options.start_early = false;
  if (is_command) {
    options.start = StartKind::kCommand;
    return options;
  }
  options.start = StartKind::kFresh;
  options.idle_timeout = kIdleWorker;
  options.program.arguments = surroundings.program;
  options.program.environment = changes_to(surroundings.environment);
  options.program.environment.push_back("PRONG_QUEUE=" + queue_);
  options.program.environment.push_back("PRONG_QUEUE_FOLDER=" + surroundings.folder);
  options.program.environment.push_back("PRONG_QUEUE_MOST_OUTPUT=" + std::to_string(most_output_));
  return options;
}

Payload QueuePools::command_of(const TakenJob& job, const QueuedSurroundings& surroundings) const {
  Command command = decode_command(as_bytes(job.payload));
  command.directory = surroundings.folder;
  command.environment = surroundings.environment;
  command.number = job.number;
  command.environment->push_back("PRONG_QUEUE=" + queue_);
  command.environment->push_back("PRONG_QUEUE_JOB=" + std::to_string(job.number));
  return encode(command);
}

std::vector<std::uint64_t> QueuePools::take_ended() {
  std::vector<std::uint64_t> numbers;
  for (const JobPtr& job : ended_->take_all()) numbers.push_back(job->tag());
  return numbers;
}

void QueuePools::retire(MonotonicNs now) {
  std::erase_if(pools_, [&](const auto& each) {
    const Entry& entry = each.second;
    return !each.first.empty() && entry.pool.use_count() == 1 && now >= entry.last_used + kIdlePool;
  });
}

std::optional<MonotonicNs> QueuePools::next_retirement() const {
  std::optional<MonotonicNs> next;
  for (const auto& [surroundings, entry] : pools_)
    if (!surroundings.empty() && entry.pool.use_count() == 1)
      next = std::min(next.value_or(entry.last_used + kIdlePool), entry.last_used + kIdlePool);
  return next;
}

}  // namespace prong::cli
