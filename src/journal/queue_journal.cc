#include "prong/queue_journal.h"

#include <chrono>

#include "journal/database.h"
#include "journal/session_writer.h"
#include "journal/states.h"

namespace prong {

using journal::Blob;
using journal::Continues;
using journal::RunKind;
using journal::SessionWriter;
using journal::Statement;

namespace {

/// Who waits for the journal waits with all jobs and submitters. What lasts longer is told to them.
constexpr auto kPatience = std::chrono::seconds(1);

}  // namespace

// The file has no other jobs, and numbers of those that were removed are not given again: a job's number is its id.
class QueueJournal::Impl {
 public:
  Impl(const std::string& path, const RunDescription& queue, const JournalOptions& options)
      : writer_(path, RunKind::kQueue, queue, Continues::kIfThereIsOne, options.durable, options.kept_output) {
    writer_.database().set_patience(kPatience);
    last_ = committed_last_ = static_cast<std::uint64_t>(
        writer_.database().number("SELECT max(last_number, ifnull((SELECT max(id) FROM job), 0)) FROM run"));
  }

  std::uint64_t add(const SubmittedJob& job) {
    writer_.write();
    find_.bind(writer_.run(), Blob{job.ticket});
    if (find_.next()) {
      const auto number = static_cast<std::uint64_t>(find_.number(0));
      find_.reset();
      return number;
    }
    insert_
        .bind(last_ + 1, writer_.run(), writer_.session(), Blob{job.ticket}, job.description, job.input,
              Blob{job.payload}, job.options, surroundings_of(job))
        .run();
    return ++last_;
  }

  std::uint64_t last() const { return last_; }

  TakenJob take(std::uint64_t number) {
    take_.bind(number);
    if (!take_.next()) throw JournalError("the queue has no job " + std::to_string(number));
    TakenJob job{.number = number,
                 .attempts = static_cast<int>(take_.number(0)),
                 .payload = take_.text(1),
                 .options = take_.text(2),
                 .surroundings = take_.text(3)};
    take_.reset();
    set_state(number, JobState::kDispatched, job.attempts);
    return job;
  }

  void end(std::uint64_t number, const Job& job, JobState state, std::string_view returned) {
    if (job.attempts().empty()) return end(number, job.outcome(), state);
    set_state(number, state, writer_.add_attempts(id(number), attempts_of(number), job, returned));
  }

  void end(std::uint64_t number, const Outcome& outcome, JobState state) {
    set_state(number, state, writer_.add_attempt(id(number), attempts_of(number), outcome));
  }

  void put_back(std::uint64_t number) { set_state(number, JobState::kQueued, attempts_of(number)); }

  std::vector<std::uint64_t> all(JobState state) {
    Statement rows(writer_.database(), "SELECT id FROM job WHERE state = ?1 ORDER BY id");
    const std::string_view name = job_state_name(state);
    rows.bind(name);
    std::vector<std::uint64_t> numbers;
    while (rows.next()) numbers.push_back(static_cast<std::uint64_t>(rows.number(0)));
    return numbers;
  }

  std::uint64_t count(JobState state) {
    Statement row(writer_.database(), "SELECT count(*) FROM job WHERE state = ?1");
    const std::string_view name = job_state_name(state);
    row.bind(name);
    row.next();
    return static_cast<std::uint64_t>(row.number(0));
  }

  JobState state(std::uint64_t number) {
    find_state_.bind(number);
    if (!find_state_.next()) return JobState::kNew;
    const JobState state = journal::job_state_of(find_state_.text(0));
    find_state_.reset();
    return state;
  }

  std::string options(std::uint64_t number) {
    options_.bind(number);
    if (!options_.next()) throw JournalError("the queue has no job " + std::to_string(number));
    std::string options = options_.text(0);
    options_.reset();
    return options;
  }

  void set_options(std::uint64_t number, const std::string& options) {
    writer_.write();
    Statement change(writer_.database(), "UPDATE job SET options = ?1 WHERE id = ?2");
    const std::string_view text = options;
    change.bind(text, number);
    change.run();
  }

  std::uint64_t forget(JobState state, std::chrono::nanoseconds ago) {
    writer_.write();
    const std::vector<std::int64_t> ids = ended_before(state, writer_.time() - ago.count(), ago.count() == 0);
    for (const char* sql :
         {"DELETE FROM output WHERE job = ?1", "DELETE FROM attempt WHERE job = ?1", "DELETE FROM job WHERE id = ?1"}) {
      Statement statement(writer_.database(), sql);
      for (const std::int64_t id : ids) statement.bind(id).run();
    }
    writer_.database().execute(
        "DELETE FROM surroundings WHERE id NOT IN (SELECT surroundings FROM job WHERE surroundings NOT NULL)");
    Statement(writer_.database(), "UPDATE run SET last_number = ?1, forgotten_failures = forgotten_failures + ?2")
        .bind(last_, state == JobState::kFailed ? ids.size() : 0)
        .run();
    return ids.size();
  }

  std::uint64_t forgotten_failures() {
    return static_cast<std::uint64_t>(writer_.database().number("SELECT forgotten_failures FROM run"));
  }

  bool paused() { return writer_.database().number("SELECT paused FROM run") != 0; }
  void set_paused(bool paused) {
    writer_.write();
    Statement(writer_.database(), "UPDATE run SET paused = ?1").bind(int{paused}).run();
  }

  void commit() {
    writer_.commit();
    committed_last_ = last_;
  }
  void roll_back() {
    writer_.roll_back();
    last_ = committed_last_;
  }

  // A row that comes and goes: its page is written all the same.
  void try_writing() {
    writer_.write();
    writer_.database().execute(
        "INSERT INTO surroundings(content) VALUES('none'); DELETE FROM surroundings WHERE content = 'none'");
  }

  void close(int exit_status) { writer_.close(exit_status); }

 private:
  static std::int64_t id(std::uint64_t number) { return static_cast<std::int64_t>(number); }

  /// `all`: those too of which no time is known.
  std::vector<std::int64_t> ended_before(JobState state, std::int64_t time, bool all) {
    Statement rows(writer_.database(),
                   "SELECT job.id FROM job LEFT JOIN attempt ON attempt.job = job.id AND attempt.number = attempts"
                   " WHERE state = ?1 AND (ended <= ?2 OR (ended IS NULL AND ?3))");
    const std::string_view name = job_state_name(state);
    rows.bind(name, time, std::int64_t{all});
    std::vector<std::int64_t> ids;
    while (rows.next()) ids.push_back(rows.number(0));
    return ids;
  }

  std::int64_t surroundings_of(const SubmittedJob& job) {
    add_surroundings_.bind(job.surroundings).run();
    find_surroundings_.bind(job.surroundings);
    find_surroundings_.next();
    const std::int64_t id = find_surroundings_.number(0);
    find_surroundings_.reset();
    return id;
  }

  int attempts_of(std::uint64_t number) {
    attempts_.bind(number);
    if (!attempts_.next()) throw JournalError("the queue has no job " + std::to_string(number));
    const int attempts = static_cast<int>(attempts_.number(0));
    attempts_.reset();
    return attempts;
  }

  void set_state(std::uint64_t number, JobState state, int attempts) { writer_.set_state(id(number), state, attempts); }

  SessionWriter writer_;
  std::uint64_t last_ = 0;
  std::uint64_t committed_last_ = 0;
  Statement find_{writer_.database(), "SELECT id FROM job WHERE run = ?1 AND key = ?2"};
  Statement insert_{writer_.database(),
                    "INSERT INTO job(id, number, run, session, key,"
                    " state, attempts, description, input, payload, options,"
                    " surroundings) VALUES(?1, ?1, ?2, ?3, ?4, 'queued', 0, ?5, ?6, ?7, ?8, ?9)"};
  Statement take_{writer_.database(),
                  "SELECT attempts, payload, options, content FROM job JOIN surroundings"
                  " ON surroundings.id = job.surroundings WHERE job.id = ?1"};
  Statement add_surroundings_{writer_.database(), "INSERT OR IGNORE INTO surroundings(content) VALUES(?1)"};
  Statement find_surroundings_{writer_.database(), "SELECT id FROM surroundings WHERE content = ?1"};
  Statement attempts_{writer_.database(), "SELECT attempts FROM job WHERE id = ?1"};
  Statement options_{writer_.database(), "SELECT options FROM job WHERE id = ?1"};
  Statement find_state_{writer_.database(), "SELECT state FROM job WHERE id = ?1"};
};

QueueJournal::QueueJournal(const std::string& path, const RunDescription& queue, const JournalOptions& options)
    : impl_(std::make_unique<Impl>(path, queue, options)) {}
QueueJournal::~QueueJournal() = default;

std::uint64_t QueueJournal::add(const SubmittedJob& job) {
  return impl_->add(job);
}

std::uint64_t QueueJournal::last() const {
  return impl_->last();
}

TakenJob QueueJournal::take(std::uint64_t number) {
  return impl_->take(number);
}

void QueueJournal::end(std::uint64_t number, const Job& job, JobState state, std::string_view returned) {
  impl_->end(number, job, state, returned);
}

void QueueJournal::end(std::uint64_t number, const Outcome& outcome, JobState state) {
  impl_->end(number, outcome, state);
}

void QueueJournal::put_back(std::uint64_t number) {
  impl_->put_back(number);
}

std::vector<std::uint64_t> QueueJournal::all(JobState state) {
  return impl_->all(state);
}

std::uint64_t QueueJournal::count(JobState state) {
  return impl_->count(state);
}

JobState QueueJournal::state(std::uint64_t number) {
  return impl_->state(number);
}

std::string QueueJournal::options(std::uint64_t number) {
  return impl_->options(number);
}

void QueueJournal::set_options(std::uint64_t number, const std::string& options) {
  impl_->set_options(number, options);
}

std::uint64_t QueueJournal::forget(JobState state, std::chrono::nanoseconds ago) {
  return impl_->forget(state, ago);
}

std::uint64_t QueueJournal::forgotten_failures() {
  return impl_->forgotten_failures();
}

bool QueueJournal::paused() {
  return impl_->paused();
}

void QueueJournal::set_paused(bool paused) {
  impl_->set_paused(paused);
}

void QueueJournal::commit() {
  impl_->commit();
}

void QueueJournal::roll_back() {
  impl_->roll_back();
}

void QueueJournal::try_writing() {
  impl_->try_writing();
}

void QueueJournal::close(int exit_status) {
  impl_->close(exit_status);
}

}  // namespace prong
