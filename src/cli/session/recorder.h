// Recorder: what a run tells its journal, and what it learns from it.
//
//   admit ─> begin ─> commit ─> (the pool) ─> end ─> commit ─> (the user)
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/tasks/task.h"
#include "cli/tasks/template_string.h"
#include "prong/journal.h"

namespace prong::cli {

struct JournalSettings {
  std::string file;                    ///< empty: by `name`
  std::string name;                    ///< of a journal in the user's state folder; empty: none
  bool resume = false;                 ///< run what the last run has not come to
  bool retry_failed = false;           ///< run what failed in the last run
  bool leave_unknown = false;          ///< what had begun and may have run in part is not run again
  bool durable = false;                ///< results are told when the disk has them
  std::vector<std::string> key_files;  ///< templates of names of files whose contents count as the job's
  std::uint64_t kept_output = 1024ULL * 1024;

  bool wanted() const { return !file.empty() || !name.empty(); }
};

/// Throws UsageError for settings that need others.
void check(const JournalSettings& settings);

/// The file of these settings: as it was given, or NAME.journal in $XDG_STATE_HOME/prong (~/.local/state/prong).
std::string journal_path(const JournalSettings& settings);
std::string journal_path_of_name(const std::string& name);
/// The same; its folder is made if there is none. Throws SystemError.
std::string prepared_journal_path(const JournalSettings& settings);

/// What jobs are, so that the same job is known again: by what would be run, and by files that count.
class JobKeys {
 public:
  JobKeys(const JournalSettings& settings, const Task& task);
  /// Throws SystemError if a file that counts cannot be read.
  ContentKey of(const Input& input) const;

 private:
  const Task& task_;
  std::vector<TemplateString> files_;
};

/// What a run with these settings would run of the jobs that its journal has; in that nothing is changed.
class RecordPreview {
 public:
  /// Throws JournalError.
  RecordPreview(const JournalSettings& settings, const Task& task);
  /// As Recorder::admit().
  bool admit(const Input& input);

 private:
  const JournalSettings& settings_;
  JobKeys keys_;
  std::unordered_map<std::string, std::deque<JobState>> known_;  ///< by key
};

class Recorder {
 public:
  /// Throws JournalError.
  Recorder(const JournalSettings& settings, const RunDescription& run, const Task& task);

  /// Whether the job is to be run; if not, it is counted in Earlier. Throws SystemError if a file that counts cannot be
  /// read.
  bool admit(const Input& input);
  void begin(const Input& input, const Payload& payload);
  void end(const Job& job);
  void commit() { journal_.commit(); }
  void close(int exit_status) { journal_.close(exit_status); }

  /// Of jobs that were not run by this session.
  struct Earlier {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    std::uint64_t left = 0;     ///< of unknown end
    std::uint64_t not_run = 0;  ///< not asked for
    std::uint64_t all() const { return done + failed + left + not_run; }
  };
  const Earlier& earlier() const { return earlier_; }
  /// For the user, at the end of a run that was continued; empty: there is nothing to say.
  std::string summary() const;

 private:
  bool wanted(const JournalEntry& entry);

  const JournalSettings& settings_;
  const Task& task_;
  JobKeys keys_;
  Journal journal_;
  std::unordered_map<std::uint64_t, JournalEntry> open_;  ///< by number, from admit() to end()
  Earlier earlier_;
  std::uint64_t run_again_ = 0;  ///< of unknown end
  std::uint64_t passed_ = 0;     ///< since the last commit
};

}  // namespace prong::cli
