// QueueJournal: the jobs of a queue that stays, in a journal of one run. Others submit them; one program at a time has
// the file and runs them.
//
//   add ─> commit ─> (the submitter hears its number)
//   take ─> commit ─> (a pool) ─> end ─> commit ─> (whoever waits for it)
//
// What was committed survives the death of the process at any moment, and with `durable` that of the machine. Reading
// is JournalReader's: a queue is the only run of its file. The file is specified in docs/journal-format.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prong/job.h"
#include "prong/journal.h"

namespace prong {

/// What somebody has submitted.
struct SubmittedJob {
  std::string ticket{};  ///< chosen by who submits, and never again: with it, a job that is there already is found
  std::string description{};
  std::string input{};
  std::string payload{};
  std::string options{};       ///< how to run it, as the queue's program writes it
  std::string surroundings{};  ///< where, the same for many jobs; in the file once
};

/// What is to be run.
struct TakenJob {
  std::uint64_t number = 0;
  int attempts = 0;  ///< that it has had
  std::string payload{};
  std::string options{};
  std::string surroundings{};
};

/// One thread. Whatever it does throws JournalError. Others that have the file are waited for a second.
class QueueJournal {
 public:
  /// Opens the file, or makes it, and begins a session. No second program can have it at the same time.
  /// options.continues has no meaning here.
  QueueJournal(const std::string& path, const RunDescription& queue, const JournalOptions& options = {});
  ~QueueJournal();
  QueueJournal(const QueueJournal&) = delete;
  QueueJournal& operator=(const QueueJournal&) = delete;

  /// Its number, from 1 on: the same for the same ticket.
  std::uint64_t add(const SubmittedJob& job);
  /// The number that was given last.
  std::uint64_t last() const;
  /// Requires a job that is queued. From now on it is dispatched.
  TakenJob take(std::uint64_t number);
  /// A dispatched job has ended. `returned`: what a function gave.
  void end(std::uint64_t number, const Job& job, JobState state, std::string_view returned = {});
  /// A job that was not given to a pool, or that a pool has not run, has come to this.
  void end(std::uint64_t number, const Outcome& outcome, JobState state);
  /// It is queued again. `attempts` of it stay in the file.
  void put_back(std::uint64_t number);

  /// Removes jobs in a state, kDone or kFailed, that ended so long ago, and tells how many. Their numbers are not given
  /// again; their space in the file is.
  std::uint64_t forget(JobState state, std::chrono::nanoseconds ago);
  /// How many of those that have been removed had failed.
  std::uint64_t forgotten_failures();

  /// Numbers of the jobs in a state.
  std::vector<std::uint64_t> all(JobState state);
  /// How many.
  std::uint64_t count(JobState state);
  /// kNew: there is none of that number.
  JobState state(std::uint64_t number);
  /// Requires that there is one.
  std::string options(std::uint64_t number);
  void set_options(std::uint64_t number, const std::string& options);

  bool paused();
  void set_paused(bool paused);

  /// Throws JournalUnavailable if that may pass: then roll_back() goes back to the last commit.
  void commit();
  void roll_back();
  /// A change that leaves nothing: whether changes can be committed is known then.
  void try_writing();
  /// The session ends in order. Commits.
  void close(int exit_status);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prong
