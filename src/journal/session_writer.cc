#include "journal/session_writer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

#include "journal/schema.h"
#include "os/clock.h"
#include "os/this_process.h"
#include "prong/version.h"

namespace prong::journal {
namespace {

std::int64_t time_of_day() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The file, made where there is none, and for this process alone.
os::FileLock take_file(const std::string& path) {
  const std::optional<std::uint64_t> size = os::size_of_file(path);
  if (!size) os::create_file(path, as_bytes(empty_journal()));
  if (size == 0)
    throw JournalError("journal '" + path + "': the file is empty, which no journal is; remove it to begin a new one");
  std::optional<os::FileLock> lock = os::FileLock::try_lock(path);
  if (!lock)
    throw JournalError("journal '" + path + "': another prong works with it; wait for its end, or take another file");
  return std::move(*lock);
}

Database open_checked(const std::string& path, bool durable) {
  Database database(path, Database::Access::kWrite);
  check_journal(database);
  Statement check(database, "PRAGMA quick_check(1)");
  if (!check.next() || check.text(0) != "ok")
    throw JournalError("journal '" + path + "': the file is damaged (" + check.text(0) +
                       "); keep it, and save what is left with: sqlite3 '" + path + "' .recover | sqlite3 saved.db");
  check.reset();
  bring_up_to_date(database);
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

/// No more of it is in memory.
std::string beginning_of(const Payload& payload, std::uint64_t most) {
  std::string bytes(std::min<std::uint64_t>(payload.size(), most), '\0');
  bytes.resize(payload.read(0, std::as_writable_bytes(std::span(bytes))));
  return bytes;
}

}  // namespace

SessionWriter::SessionWriter(const std::string& path, RunKind kind, const RunDescription& run, Continues continues,
                             bool durable, std::uint64_t kept_output)
    : kept_output_(kept_output),
      clock_offset_(time_of_day() - os::monotonic_now()),
      lock_(take_file(path)),
      database_(open_checked(path, durable)),
      state_(database_, "UPDATE job SET state = ?1, attempts = ?2 WHERE id = ?3"),
      attempt_(database_,
               "INSERT INTO attempt(job, number, session, worker_pid, started, ended, outcome, code, detail,"
               " cpu, peak_memory, output_bytes, error_output_bytes)"
               " VALUES(?1, ?2, ?3, ?4, nullif(?5, 0), nullif(?6, 0), ?7, ?8, ?9, nullif(?10, -1),"
               " nullif(?11, -1), ?12, ?13)"),
      output_(database_, "INSERT INTO output(job, attempt, output, error_output) VALUES(?1, ?2, ?3, ?4)") {
  start(kind, run, continues);
}

void SessionWriter::start(RunKind kind, const RunDescription& run, Continues continues) {
  Transaction transaction(database_);
  check_kind(database_, kind);
  if (continues == Continues::kIfThereIsOne) run_ = database_.number("SELECT ifnull(max(id), 0) FROM run");
  continued_ = run_ != 0;
  if (!continued_) {
    Statement(database_, "INSERT INTO run(kind, command, folder, workers) VALUES(?1, ?2, ?3, ?4)")
        .bind(run_kind_name(kind), run.command, run.folder, run.workers)
        .run();
    run_ = database_.last_row();
  }
  Statement(database_, "INSERT INTO session(run, pid, version, began) VALUES(?1, ?2, ?3, ?4)")
      .bind(run_, os::process_id(), prong::kVersion, time_of_day())
      .run();
  session_ = database_.last_row();
  transaction.commit();
}

std::int64_t SessionWriter::time() const {
  return on_clock(os::monotonic_now());
}

void SessionWriter::write() {
  if (transaction_) return;
  transaction_ = std::make_unique<Transaction>(database_);
  clock_offset_ = time_of_day() - os::monotonic_now();
}

void SessionWriter::commit() {
  if (!transaction_) return;
  transaction_->commit();
  transaction_.reset();
}

void SessionWriter::close(int exit_status) {
  write();
  Statement(database_, "UPDATE session SET ended = ?1, exit_status = ?2 WHERE id = ?3")
      .bind(time_of_day(), exit_status, session_)
      .run();
  commit();
}

int SessionWriter::add_attempts(std::int64_t row, int earlier, const Job& job, std::string_view returned) {
  for (const Attempt& attempt : job.attempts())
    add(row, ++earlier, attempt, &attempt == &job.attempts().back() ? returned : std::string_view());
  return earlier;
}

int SessionWriter::add_attempt(std::int64_t row, int earlier, const Outcome& outcome) {
  add(row, earlier + 1, {.ended = os::monotonic_now(), .outcome = outcome}, {});
  return earlier + 1;
}

void SessionWriter::add(std::int64_t row, int number, const Attempt& attempt, std::string_view returned) {
  write();
  const OutcomeColumns columns = columns_of(attempt.outcome);
  const bool has_value = std::holds_alternative<Returned>(attempt.outcome) || !returned.empty();
  const std::uint64_t output_bytes = has_value ? returned.size() : attempt.output.size();
  const std::uint64_t error_output_bytes = attempt.error_output.size();
  attempt_
      .bind(row, number, session_, attempt.worker_pid, on_clock(attempt.started), on_clock(attempt.ended),
            outcome_name(attempt.outcome), columns.code, columns.detail, attempt.cpu_time.count(), attempt.peak_memory,
            output_bytes, error_output_bytes)
      .run();
  if (kept_output_ == 0 || output_bytes + error_output_bytes == 0) return;
  const std::string output =
      has_value ? std::string(returned.substr(0, kept_output_)) : beginning_of(attempt.output, kept_output_);
  const std::string error_output = beginning_of(attempt.error_output, kept_output_);
  output_.bind(row, number, Blob{output}, Blob{error_output}).run();
}

void SessionWriter::set_state(std::int64_t job, JobState state, int attempts) {
  write();
  state_.bind(job_state_name(state), attempts, job).run();
}

}  // namespace prong::journal
