#include "prong/journal.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "journal/database.h"
#include "journal/schema.h"
#include "journal/states.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/this_process.h"
#include "prong/version.h"

namespace prong {
namespace {

using journal::Blob;
using journal::Database;
using journal::Statement;
using journal::Transaction;

std::int64_t time_of_day() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The file, made where there is none, and for this process alone.
os::FileLock take_file(const std::string& path) {
  const std::optional<std::uint64_t> size = os::size_of_file(path);
  if (!size) os::create_file(path, as_bytes(journal::empty_journal()));
  if (size == 0)
    throw JournalError("journal '" + path + "': the file is empty, which no journal is; remove it to begin a new one");
  std::optional<os::FileLock> lock = os::FileLock::try_lock(path);
  if (!lock)
    throw JournalError("journal '" + path + "': another prong works with it; wait for its end, or take another file");
  return std::move(*lock);
}

Database open_checked(const std::string& path, bool durable) {
  Database database(path, Database::Access::kWrite);
  journal::check_journal(database);
  Statement check(database, "PRAGMA quick_check(1)");
  if (!check.next() || check.text(0) != "ok")
    throw JournalError("journal '" + path + "': the file is damaged (" + check.text(0) +
                       "); keep it, and save what is left with: sqlite3 '" + path + "' .recover | sqlite3 saved.db");
  database.execute(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  return database;
}

/// What an outcome leaves in the columns of an attempt.
struct OutcomeColumns {
  std::int64_t code = 0;
  std::string detail;
};

OutcomeColumns columns_of(const Outcome& outcome) {
  OutcomeColumns columns;
  if (const auto* exited = std::get_if<Exited>(&outcome)) columns.code = exited->code;
  if (const auto* signalled = std::get_if<Signalled>(&outcome)) columns.code = signalled->number;
  if (!std::holds_alternative<Returned>(outcome)) columns.detail = describe(outcome);
  return columns;
}

// Ended because somebody wanted the whole run to end: not the job's fault, so it is to be run again.
bool ended_with_the_run(const Outcome& outcome) {
  const auto* const limited = std::get_if<TimedOut>(&outcome);
  const auto* const lost = std::get_if<Lost>(&outcome);
  return std::holds_alternative<Cancelled>(outcome) || (limited && limited->limit == Limit::kBudget) ||
         (lost && (lost->reason == LostReason::kPoolClosed || lost->reason == LostReason::kStartFailed));
}

std::string_view cut(std::string_view bytes, std::uint64_t most) {
  return bytes.substr(0, most);
}

/// No more of it is in memory.
std::string beginning_of(const Payload& payload, std::uint64_t most) {
  std::string bytes(std::min<std::uint64_t>(payload.size(), most), '\0');
  bytes.resize(payload.read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

}  // namespace

class Journal::Impl {
 public:
  Impl(const std::string& path, const RunDescription& run, const JournalOptions& options)
      : kept_output_(options.kept_output), lock_(take_file(path)), database_(open_checked(path, options.durable)) {
    start(run, options.continues);
  }

  bool continued() const noexcept { return continued_; }

  JournalEntry claim(const ContentKey& key, std::uint64_t number) {
    write();
    JournalEntry entry{.key = key};
    find_.bind(run_, Blob{key.bytes()}, session_);
    if (!find_.next()) return entry;
    entry.row = find_.number(0);
    entry.state = journal::job_state_of(find_.text(1));
    entry.attempts = static_cast<int>(find_.number(2));
    find_.reset();
    const bool unknown = entry.state == JobState::kDispatched;
    if (unknown) add_unknown(entry);
    const JobState state = unknown ? JobState::kQueued : entry.state;
    claim_.bind(session_, number, job_state_name(state), entry.attempts, entry.row).run();
    return entry;
  }

  void leave(const JournalEntry& entry) {
    write();
    finish_.bind(job_state_name(JobState::kFailed), entry.attempts, entry.row).run();
  }

  void begin(JournalEntry& entry, const JobContent& content) {
    write();
    if (entry.row != 0) {
      finish_.bind(job_state_name(JobState::kDispatched), entry.attempts, entry.row).run();
      return;
    }
    insert_
        .bind(run_, session_, Blob{entry.key.bytes()}, content.number, content.description, content.input,
              Blob{content.payload.text()})
        .run();
    entry.row = database_.last_row();
  }

  void end(const JournalEntry& entry, const Job& job, bool succeeded, std::string_view returned) {
    write();
    int number = entry.attempts;
    for (const Attempt& attempt : job.attempts()) add_attempt(entry.row, ++number, attempt, returned);
    const bool again = ended_with_the_run(job.outcome());
    if (job.attempts().empty() && !again) add_attempt(entry.row, ++number, {.outcome = job.outcome()}, {});
    const JobState state = again ? JobState::kQueued : succeeded ? JobState::kDone : JobState::kFailed;
    finish_.bind(job_state_name(state), number, entry.row).run();
  }

  void commit() {
    if (!transaction_) return;
    transaction_->commit();
    transaction_.reset();
  }

  void close(int exit_status) {
    write();
    Statement(database_, "UPDATE session SET ended = ?1, exit_status = ?2 WHERE id = ?3")
        .bind(time_of_day(), exit_status, session_)
        .run();
    commit();
  }

 private:
  void start(const RunDescription& run, bool continues) {
    Transaction transaction(database_);
    if (continues) run_ = database_.number("SELECT ifnull(max(id), 0) FROM run");
    continued_ = run_ != 0;
    if (!continued_) {
      Statement(database_, "INSERT INTO run(command, folder, workers) VALUES(?1, ?2, ?3)")
          .bind(run.command, run.folder, run.workers)
          .run();
      run_ = database_.last_row();
    }
    Statement(database_, "INSERT INTO session(run, pid, version, began) VALUES(?1, ?2, ?3, ?4)")
        .bind(run_, os::process_id(), kVersion, time_of_day())
        .run();
    session_ = database_.last_row();
    transaction.commit();
  }

  void write() {
    if (!transaction_) transaction_ = std::make_unique<Transaction>(database_);
  }

  // A program that is gone had given it to a pool.
  void add_unknown(JournalEntry& entry) {
    Statement(database_,
              "INSERT INTO attempt(job, number, session, outcome, detail, output_bytes, error_output_bytes)"
              " SELECT id, ?1, session, 'unknown', 'its program ended first', 0, 0 FROM job WHERE id = ?2")
        .bind(++entry.attempts, entry.row)
        .run();
  }

  void add_attempt(std::int64_t row, int number, const Attempt& attempt, std::string_view returned) {
    const OutcomeColumns columns = columns_of(attempt.outcome);
    const bool has_value = std::holds_alternative<Returned>(attempt.outcome);
    const std::uint64_t output_bytes = has_value ? returned.size() : attempt.output.size();
    const std::uint64_t error_output_bytes = attempt.error_output.size();
    attempt_
        .bind(row, number, session_, attempt.worker_pid, on_clock(attempt.started), on_clock(attempt.ended),
              outcome_name(attempt.outcome), columns.code, columns.detail, output_bytes, error_output_bytes)
        .run();
    if (kept_output_ == 0 || output_bytes + error_output_bytes == 0) return;
    const std::string output =
        has_value ? std::string(cut(returned, kept_output_)) : beginning_of(attempt.output, kept_output_);
    const std::string error_output = beginning_of(attempt.error_output, kept_output_);
    output_.bind(row, number, Blob{output}, Blob{error_output}).run();
  }

  // From CLOCK_MONOTONIC; 0 stays 0, which the statements store as nothing.
  std::int64_t on_clock(MonotonicNs time) const { return time == 0 ? 0 : time + clock_offset_; }

  std::uint64_t kept_output_;
  std::int64_t clock_offset_ = time_of_day() - os::monotonic_now();
  os::FileLock lock_;  // closed after the database: closing any descriptor of a file drops SQLite's locks on it
  Database database_;
  std::int64_t run_ = 0;
  std::int64_t session_ = 0;
  bool continued_ = false;
  Statement find_{database_,
                  "SELECT id, state, attempts FROM job WHERE run = ?1 AND key = ?2 AND session < ?3"
                  " ORDER BY session LIMIT 1"};
  Statement insert_{database_,
                    "INSERT INTO job(run, session, key, number, state, attempts, description, input, payload)"
                    " VALUES(?1, ?2, ?3, ?4, 'dispatched', 0, ?5, ?6, ?7)"};
  Statement claim_{database_, "UPDATE job SET session = ?1, number = ?2, state = ?3, attempts = ?4 WHERE id = ?5"};
  Statement finish_{database_, "UPDATE job SET state = ?1, attempts = ?2 WHERE id = ?3"};
  Statement attempt_{database_,
                     "INSERT INTO attempt(job, number, session, worker_pid, started, ended, outcome, code, detail,"
                     " output_bytes, error_output_bytes)"
                     " VALUES(?1, ?2, ?3, ?4, nullif(?5, 0), nullif(?6, 0), ?7, ?8, ?9, ?10, ?11)"};
  Statement output_{database_, "INSERT INTO output(job, attempt, output, error_output) VALUES(?1, ?2, ?3, ?4)"};
  std::unique_ptr<Transaction> transaction_;
};

Journal::Journal(const std::string& path, const RunDescription& run, const JournalOptions& options)
    : impl_(std::make_unique<Impl>(path, run, options)) {}
Journal::~Journal() = default;

bool Journal::continued() const noexcept {
  return impl_->continued();
}

JournalEntry Journal::claim(const ContentKey& key, std::uint64_t number) {
  return impl_->claim(key, number);
}

void Journal::leave(const JournalEntry& entry) {
  impl_->leave(entry);
}

void Journal::begin(JournalEntry& entry, const JobContent& content) {
  impl_->begin(entry, content);
}

void Journal::end(const JournalEntry& entry, const Job& job, bool succeeded, std::string_view returned) {
  impl_->end(entry, job, succeeded, returned);
}

void Journal::commit() {
  impl_->commit();
}

void Journal::close(int exit_status) {
  impl_->close(exit_status);
}

}  // namespace prong
