#include <memory>

#include "journal/database.h"
#include "journal/schema.h"
#include "journal/states.h"
#include "os/file.h"
#include "prong/journal.h"

namespace prong {
namespace {

using journal::Database;
using journal::Statement;

Database open_to_read(const std::string& path) {
  const std::optional<std::uint64_t> size = os::size_of_file(path);
  if (!size) throw JournalError("journal '" + path + "': there is no such file");
  if (size == 0) throw JournalError("journal '" + path + "': the file is empty, which no journal is");
  Database database(path, Database::Access::kRead);
  journal::check_journal(database);
  return database;
}

constexpr const char* kAttemptColumns =
    "a.number, a.session, a.worker_pid, a.started, a.ended, a.outcome, a.code, a.detail, a.cpu, a.peak_memory,"
    " a.output_bytes, a.error_output_bytes";

// The columns above, the first of which is `first`.
JournalAttempt attempt_of(const Statement& row, int first) {
  const auto column = [&](int place) { return first + place; };
  const auto known = [&](int place) { return row.is_null(column(place)) ? -1 : row.number(column(place)); };
  return {.number = static_cast<int>(row.number(column(0))),
          .session = row.number(column(1)),
          .worker_pid = static_cast<int>(row.number(column(2))),
          .started = row.number(column(3)),
          .ended = row.number(column(4)),
          .outcome = row.text(column(5)),
          .code = static_cast<int>(row.number(column(6))),
          .detail = row.text(column(7)),
          .cpu = known(8),
          .peak_memory = known(9),
          .output_bytes = static_cast<std::uint64_t>(row.number(column(10))),
          .error_output_bytes = static_cast<std::uint64_t>(row.number(column(11)))};
}

// What job_of() reads, up to the condition.
std::string select_jobs(Database& database, std::string_view rest) {
  const bool has_options = database.number("PRAGMA user_version") > 1;
  return std::string("SELECT j.id, j.number, j.description, j.input, j.state, j.attempts, ") +
         (has_options ? "j.options, " : "'', ") + kAttemptColumns +
         " FROM job AS j LEFT JOIN attempt AS a ON a.job = j.id AND a.number = j.attempts" + std::string(rest);
}

JournalJob job_of(const Statement& row) {
  return {.id = row.number(0),
          .number = static_cast<std::uint64_t>(row.number(1)),
          .description = row.text(2),
          .input = row.text(3),
          .options = row.text(6),
          .state = journal::job_state_of(row.text(4)),
          .attempts = static_cast<int>(row.number(5)),
          .last = attempt_of(row, 7)};
}

}  // namespace

class JournalReader::Impl {
 public:
  explicit Impl(const std::string& path) : database_(open_to_read(path)) {}

  std::vector<JournalRun> runs() {
    Statement rows(database_,
                   "SELECT run.id, command, folder, workers, min(began), count(*),"
                   " (SELECT count(*) FROM job WHERE job.run = run.id),"
                   " (SELECT ended FROM session AS s WHERE s.run = run.id ORDER BY id DESC LIMIT 1),"
                   " (SELECT exit_status FROM session AS s WHERE s.run = run.id ORDER BY id DESC LIMIT 1)"
                   " FROM run JOIN session ON session.run = run.id GROUP BY run.id ORDER BY run.id");
    std::vector<JournalRun> runs;
    while (rows.next())
      runs.push_back({.id = rows.number(0),
                      .description = {.command = rows.text(1),
                                      .folder = rows.text(2),
                                      .workers = static_cast<int>(rows.number(3))},
                      .began = rows.number(4),
                      .ended = rows.number(7),
                      .sessions = static_cast<int>(rows.number(5)),
                      .exit_status = static_cast<int>(rows.number(8)),
                      .jobs = static_cast<std::uint64_t>(rows.number(6))});
    return runs;
  }

  void each_job(std::int64_t run, const std::function<void(const JournalJob&)>& take) {
    const std::string sql = select_jobs(database_, " WHERE j.run = ?1 ORDER BY j.number, j.id");
    Statement rows(database_, sql.c_str());
    rows.bind(run);
    while (rows.next()) take(job_of(rows));
  }

  void each_key(std::int64_t run, const std::function<void(std::string_view, JobState)>& take) {
    const bool may_be_queue = database_.number("PRAGMA user_version") > 1;
    if (may_be_queue) journal::check_kind(database_, journal::RunKind::kRun);
    Statement rows(database_, "SELECT key, state FROM job WHERE run = ?1 ORDER BY session, id");
    rows.bind(run);
    while (rows.next()) take(rows.text(0), journal::job_state_of(rows.text(1)));
  }

  std::optional<JournalJob> job(std::int64_t run, std::uint64_t number) {
    // It is the id, too, of all jobs of a queue, and of a run that was not interrupted and is alone in its file.
    for (const char* condition : {" WHERE j.id = ?2 AND j.run = ?1 AND j.number = ?2",
                                  " WHERE j.run = ?1 AND j.number = ?2 ORDER BY j.id LIMIT 1"}) {
      const std::string sql = select_jobs(database_, condition);
      Statement row(database_, sql.c_str());
      row.bind(run, number);
      if (row.next()) return job_of(row);
    }
    return std::nullopt;
  }

  void each_attempt(std::int64_t run, const std::function<void(std::uint64_t, const JournalAttempt&)>& take) {
    const std::string sql = std::string("SELECT j.number, ") + kAttemptColumns +
                            " FROM job AS j JOIN attempt AS a ON a.job = j.id"
                            " WHERE j.run = ?1 AND a.started NOT NULL ORDER BY a.session, a.started";
    Statement rows(database_, sql.c_str());
    rows.bind(run);
    while (rows.next()) take(static_cast<std::uint64_t>(rows.number(0)), attempt_of(rows, 1));
  }

  std::vector<JournalAttempt> attempts(std::int64_t job) {
    const std::string sql =
        std::string("SELECT ") + kAttemptColumns + " FROM attempt AS a WHERE a.job = ?1 ORDER BY a.number";
    Statement rows(database_, sql.c_str());
    rows.bind(job);
    std::vector<JournalAttempt> attempts;
    while (rows.next()) attempts.push_back(attempt_of(rows, 0));
    return attempts;
  }

  JournalOutput output(std::int64_t job, int attempt) {
    Statement row(database_, "SELECT output, error_output FROM output WHERE job = ?1 AND attempt = ?2");
    row.bind(job, attempt);
    if (!row.next()) return {};
    return {row.text(0), row.text(1)};
  }

 private:
  Database database_;
};

JournalReader::JournalReader(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
JournalReader::~JournalReader() = default;

std::vector<JournalRun> JournalReader::runs() {
  return impl_->runs();
}

void JournalReader::each_job(std::int64_t run, const std::function<void(const JournalJob&)>& take) {
  impl_->each_job(run, take);
}

void JournalReader::each_key(std::int64_t run, const std::function<void(std::string_view, JobState)>& take) {
  impl_->each_key(run, take);
}

std::optional<JournalJob> JournalReader::job(std::int64_t run, std::uint64_t number) {
  return impl_->job(run, number);
}

void JournalReader::each_attempt(std::int64_t run,
                                 const std::function<void(std::uint64_t, const JournalAttempt&)>& take) {
  impl_->each_attempt(run, take);
}

std::vector<JournalAttempt> JournalReader::attempts(std::int64_t job) {
  return impl_->attempts(job);
}

JournalOutput JournalReader::output(std::int64_t job, int attempt) {
  return impl_->output(job, attempt);
}

}  // namespace prong
