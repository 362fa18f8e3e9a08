// QueueJobs: the jobs of a queue: which wait, in which order, and what became of the others. They are in a journal;
// this object knows no processes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cli/queue/queue_submission.h"
#include "prong/queue_journal.h"

namespace prong::cli {

class QueueJobs {
 public:
  /// Of jobs that ran when the last server ended, those that may are queued again, the others have failed. Throws
  /// JournalError.
  QueueJobs(const std::string& path, const RunDescription& queue, const JournalOptions& options);

  struct Counts {
    std::uint64_t queued = 0;
    std::uint64_t running = 0;
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
  };
  const Counts& counts() const { return counts_; }
  bool all_ended() const { return counts_.queued + counts_.running == 0; }
  /// kNew: there is none of that number.
  JobState state(std::uint64_t number) { return journal_.state(number); }

  /// Requires that there is one of that number.
  std::string options(std::uint64_t number) { return journal_.options(number); }

  std::uint64_t add(const SubmittedJob& job);
  /// The next one, which runs from now on; nothing: none waits.
  std::optional<TakenJob> take();
  /// A job that runs has ended.
  void end(std::uint64_t number, const Job& job, bool succeeded, std::string_view returned);
  /// A job that runs has come to nothing because of this.
  void fail(std::uint64_t number, const Outcome& outcome);
  /// A job that was to run was not begun.
  void put_back(std::uint64_t number);
  /// A job that runs was ended with its server.
  void interrupt(std::uint64_t number, IfLost if_lost);

  /// False: it does not wait.
  bool cancel(std::uint64_t number);
  /// False: it has not failed.
  bool retry(std::uint64_t number);
  std::vector<std::uint64_t> waiting() const;
  std::vector<std::uint64_t> failed() { return journal_.all(JobState::kFailed); }

  bool paused() { return journal_.paused(); }
  void set_paused(bool paused) { journal_.set_paused(paused); }
  void commit() { journal_.commit(); }
  void close() { journal_.close(0); }

 private:
  IfLost if_lost(std::uint64_t number);
  void wait_for_turn(std::uint64_t number, const std::string& options);

  QueueJournal journal_;
  std::set<std::pair<std::int64_t, std::uint64_t>> backlog_;  ///< in their order: minus the priority, and the number
  std::unordered_map<std::uint64_t, std::int64_t> places_;    ///< by number: the first of that
  Counts counts_;
};

}  // namespace prong::cli
