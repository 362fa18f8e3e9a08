// QueueJobs: the jobs of a queue: which wait, in which order, and what became of the others. They are in a journal;
// this object knows no processes. What is changed is committed or taken back together, in memory as in the file.
#pragma once

#include <chrono>
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
    std::uint64_t forgotten_failures = 0;
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
  /// It runs, and is about to be killed: should the server be gone before it is, the next one does not run it again.
  void withdraw(std::uint64_t number);
  /// False: it has not failed.
  bool retry(std::uint64_t number);
  /// Of those that ended so long ago, nothing is kept, of failed ones only if `failed_too`. Counts how many.
  Counts forget(std::chrono::nanoseconds ago, bool failed_too);
  bool waits(std::uint64_t number) const { return places_.contains(number); }
  std::vector<std::uint64_t> waiting() const;
  std::vector<std::uint64_t> failed() { return journal_.all(JobState::kFailed); }

  /// Of what is committed, or was changed since.
  bool paused() { return journal_.paused(); }
  void set_paused(bool paused) { journal_.set_paused(paused); }
  /// Throws JournalUnavailable if that may pass, as all of the above.
  void commit();
  /// To the last commit.
  void roll_back();
  void try_writing() { journal_.try_writing(); }
  void close();

 private:
  using Place = std::optional<std::int64_t>;  ///< minus the priority; nothing: it does not wait

  IfLost if_lost(std::uint64_t number);
  void wait_for_turn(std::uint64_t number, const std::string& options);
  /// The place that it had before.
  Place set_place(std::uint64_t number, Place place);
  void move(std::uint64_t number, Place place) { moves_.emplace_back(number, set_place(number, place)); }

  QueueJournal journal_;
  std::set<std::pair<std::int64_t, std::uint64_t>> backlog_;  ///< in their order: the place, and the number
  std::unordered_map<std::uint64_t, std::int64_t> places_;    ///< by number
  std::vector<std::pair<std::uint64_t, Place>> moves_;        ///< since the last commit: who was where
  Counts counts_;
  Counts committed_counts_;
};

}  // namespace prong::cli
