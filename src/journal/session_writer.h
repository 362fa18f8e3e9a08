// SessionWriter: a program's session on a journal: who holds the file, and what runs and queues write in the same way.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "journal/database.h"
#include "journal/states.h"
#include "os/file.h"
#include "prong/journal.h"

namespace prong::journal {

enum class Continues { kNever, kIfThereIsOne };

/// All members throw JournalError.
class SessionWriter {
 public:
  /// Takes the file, which is made if there is none, and begins a session of its last run, or of a new one.
  SessionWriter(const std::string& path, RunKind kind, const RunDescription& run, Continues continues, bool durable,
                std::uint64_t kept_output);

  Database& database() noexcept { return database_; }
  std::int64_t run() const noexcept { return run_; }
  std::int64_t session() const noexcept { return session_; }
  bool continued() const noexcept { return continued_; }

  /// The time of day, in nanoseconds since 1970, as it is in the file.
  std::int64_t time() const;

  /// What is changed after this is committed together.
  void write();
  void commit();
  /// What was changed since the last commit is not.
  void roll_back() noexcept { transaction_.reset(); }
  /// The session ends in order. Commits.
  void close(int exit_status);

  /// Those of a job that is done, after `earlier` ones; how many it has had then. `returned`: by the last one.
  int add_attempts(std::int64_t row, int earlier, const Job& job, std::string_view returned);
  /// One that no pool has made.
  int add_attempt(std::int64_t row, int earlier, const Outcome& outcome);
  void set_state(std::int64_t job, JobState state, int attempts);

 private:
  void start(RunKind kind, const RunDescription& run, Continues continues);
  void add(std::int64_t row, int number, const Attempt& attempt, std::string_view returned);
  /// From CLOCK_MONOTONIC; 0 stays 0, which the statements store as nothing.
  std::int64_t on_clock(MonotonicNs time) const { return time == 0 ? 0 : time + clock_offset_; }

  std::uint64_t kept_output_;
  std::int64_t clock_offset_;  ///< as of the last write(): the clocks drift apart in suspend, and when one is set
  os::FileLock lock_;          // closed after the database: closing any descriptor of a file drops SQLite's locks on it
  Database database_;
  std::int64_t run_ = 0;
  std::int64_t session_ = 0;
  bool continued_ = false;
  Statement state_;
  Statement attempt_;
  Statement output_;
  std::unique_ptr<Transaction> transaction_;
};

}  // namespace prong::journal
