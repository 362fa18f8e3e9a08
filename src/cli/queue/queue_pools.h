// QueuePools: the processes of a queue: a pool for commands, and one for each surroundings that Python calls come from.
// How many jobs run at a time is for the caller to see to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/queue/queue_submission.h"
#include "cli/system/signals.h"
#include "prong/pool.h"

namespace prong::cli {

/// A job that runs.
struct QueuedRun {
  JobPtr job;
  std::shared_ptr<Pool> pool;
  bool is_command = true;
  IfLost if_lost = IfLost::kFail;

  bool succeeded() const { return prong::succeeded(job->outcome(), is_command); }
  /// What a function gave, or has raised, pickled.
  std::string_view returned() const;
};

class QueuePools {
 public:
  /// `wake`: called from other threads when jobs are done.
  QueuePools(std::string queue, int jobs, std::uint64_t most_output, std::function<void()> wake);

  /// Throws PoolError, SystemError, UsageError.
  QueuedRun start(const TakenJob& job);
  /// Those that have ended since the last call, by their numbers.
  std::vector<std::uint64_t> take_ended();
  /// Ends pools of Python that have had no job for a while.
  void retire(MonotonicNs now);
  /// When retire() has something to do; nothing: never.
  std::optional<MonotonicNs> next_retirement() const;

 private:
  struct Entry {
    std::shared_ptr<Pool> pool;
    MonotonicNs last_used = 0;
  };

  std::shared_ptr<Pool> pool_for(const std::string& surroundings, const QueuedSurroundings& read, bool is_command);
  void make_room();
  PoolOptions options_for(const QueuedSurroundings& surroundings, bool is_command) const;
  Payload command_of(const TakenJob& job, const QueuedSurroundings& surroundings) const;

  std::string queue_;
  int jobs_;
  std::uint64_t most_output_;
  std::function<void()> wake_;
  std::shared_ptr<CompletionQueue> ended_ = std::make_shared<CompletionQueue>();
  std::map<std::string, Entry> pools_;  ///< by surroundings; that of commands: by none
};

}  // namespace prong::cli
