#include "prong/journal.h"

#include <memory>
#include <string>

#include "journal/database.h"
#include "journal/session_writer.h"
#include "journal/states.h"

namespace prong {
namespace {

using journal::Blob;
using journal::Continues;
using journal::RunKind;
using journal::SessionWriter;
using journal::Statement;

// Ended because somebody wanted the whole run to end: not the job's fault, so it is to be run again.
bool ended_with_the_run(const Outcome& outcome) {
  const auto* const limited = std::get_if<TimedOut>(&outcome);
  const auto* const lost = std::get_if<Lost>(&outcome);
  return std::holds_alternative<Cancelled>(outcome) || (limited && limited->limit == Limit::kBudget) ||
         (lost && (lost->reason == LostReason::kPoolClosed || lost->reason == LostReason::kStartFailed));
}

}  // namespace

class Journal::Impl {
 public:
  Impl(const std::string& path, const RunDescription& run, const JournalOptions& options)
      : writer_(path, RunKind::kRun, run, options.continues ? Continues::kIfThereIsOne : Continues::kNever,
                options.durable, options.kept_output) {}

  bool continued() const noexcept { return writer_.continued(); }

  JournalEntry claim(const ContentKey& key, std::uint64_t number) {
    writer_.write();
    JournalEntry entry{.key = key};
    find_.bind(writer_.run(), Blob{key.bytes()}, writer_.session());
    if (!find_.next()) return entry;
    entry.row = find_.number(0);
    entry.state = journal::job_state_of(find_.text(1));
    entry.attempts = static_cast<int>(find_.number(2));
    find_.reset();
    const bool unknown = entry.state == JobState::kDispatched;
    if (unknown) add_unknown(entry);
    const JobState state = unknown ? JobState::kQueued : entry.state;
    claim_.bind(writer_.session(), number, job_state_name(state), entry.attempts, entry.row).run();
    return entry;
  }

  void leave(const JournalEntry& entry) { writer_.set_state(entry.row, JobState::kFailed, entry.attempts); }

  void begin(JournalEntry& entry, const JobContent& content) {
    if (entry.row != 0) return writer_.set_state(entry.row, JobState::kDispatched, entry.attempts);
    writer_.write();
    insert_
        .bind(writer_.run(), writer_.session(), Blob{entry.key.bytes()}, content.number, content.description,
              content.input, Blob{content.payload.text()})
        .run();
    entry.row = writer_.database().last_row();
  }

  void end(const JournalEntry& entry, const Job& job, bool succeeded, std::string_view returned) {
    int attempts = writer_.add_attempts(entry.row, entry.attempts, job, returned);
    const bool again = ended_with_the_run(job.outcome());
    if (job.attempts().empty() && !again) attempts = writer_.add_attempt(entry.row, attempts, job.outcome());
    const JobState state = again ? JobState::kQueued : succeeded ? JobState::kDone : JobState::kFailed;
    writer_.set_state(entry.row, state, attempts);
  }

  void commit() { writer_.commit(); }
  void close(int exit_status) { writer_.close(exit_status); }

 private:
  // A program that is gone had given it to a pool.
  void add_unknown(JournalEntry& entry) {
    Statement(writer_.database(),
              "INSERT INTO attempt(job, number, session, outcome, detail, output_bytes, error_output_bytes)"
              " SELECT id, ?1, session, 'unknown', 'its program ended first', 0, 0 FROM job WHERE id = ?2")
        .bind(++entry.attempts, entry.row)
        .run();
  }

  SessionWriter writer_;
  Statement find_{writer_.database(),
                  "SELECT id, state, attempts FROM job WHERE run = ?1 AND key = ?2 AND session < ?3"
                  " ORDER BY session LIMIT 1"};
  Statement insert_{writer_.database(),
                    "INSERT INTO job(run, session, key, number, state, attempts, description, input, payload)"
                    " VALUES(?1, ?2, ?3, ?4, 'dispatched', 0, ?5, ?6, ?7)"};
  Statement claim_{writer_.database(),
                   "UPDATE job SET session = ?1, number = ?2, state = ?3, attempts = ?4 WHERE id = ?5"};
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
