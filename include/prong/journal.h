// Journal: the durable record of jobs in a file: what was to be run, every attempt, and what it came to.
//
//   Journal journal(path, {.words = ..., .workers = 2}, {.continues = true});
//   JournalEntry entry = journal.claim(key, number);   what is known of such a job in this run
//   journal.begin(entry, content);  journal.commit();  before the job is given to the pool
//   journal.end(entry, job, true);  journal.commit();  before its result is told to anybody
//
// What was committed survives the death of the process at any moment, and with `durable` that of the machine. Nothing
// that was not committed is ever seen. The file is specified in docs/journal-format.md.
//
// A *run* is a set of jobs. The programs that work on it one after another, because one was interrupted or killed, are
// its *sessions*. Jobs are found again by content, never by position: a run has each content as often as it was given.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prong/error.h"
#include "prong/job.h"

namespace prong {

/// The file is no journal, is damaged, is in use, or cannot be written: says which, and what to do.
class JournalError : public Error {
 public:
  using Error::Error;
};

/// What may pass: a full disk, an error of the device, another program that has the file. Nothing was committed.
class JournalUnavailable : public JournalError {
 public:
  using JournalError::JournalError;
};

/// What a job is, so that the same job is known again. 128 bits of BLAKE2b.
class ContentKey {
 public:
  class Maker {
   public:
    Maker();
    ~Maker();
    Maker(const Maker&) = delete;
    Maker& operator=(const Maker&) = delete;
    /// Parts are kept apart: ("ab", "c") is not ("a", "bc").
    Maker& add(std::string_view part);
    /// The bytes of a file, or that there is none. Throws SystemError for one that cannot be read.
    Maker& add_file(const std::string& path);
    ContentKey make();

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

  std::string_view bytes() const noexcept { return bytes_; }
  bool operator==(const ContentKey&) const = default;

 private:
  std::string bytes_;
};

struct JournalOptions {
  bool continues = false;                      ///< the last run of the file, if there is one; else a new run begins
  bool durable = false;                        ///< a commit returns when the disk has it
  std::uint64_t kept_output = 1024ULL * 1024;  ///< bytes of each attempt's output, and of its error output
};

/// What a run is, for those who read of it later.
struct RunDescription {
  std::string command{};  ///< the command line, or what else began it
  std::string folder{};   ///< where
  int workers = 0;
};

enum class JobState : std::uint8_t {
  kNew,         ///< the journal does not know it
  kQueued,      ///< known, and not begun
  kDispatched,  ///< given to a pool; if that program is gone, it may have run in part
  kDone,
  kFailed,
};
std::string_view job_state_name(JobState state) noexcept;

/// One job of the run.
struct JournalEntry {
  std::int64_t row = 0;             ///< 0: not in the file yet
  JobState state = JobState::kNew;  ///< as it was found
  int attempts = 0;                 ///< of earlier sessions
  ContentKey key{};
};

struct JobContent {
  std::uint64_t number = 0;  ///< in this session, from 1 on
  std::string description{};
  std::string input{};
  Payload payload{};
};

/// One thread. Whatever it does throws JournalError.
class Journal {
 public:
  /// Opens the file, or makes it, and begins a session. No second program can have it at the same time.
  Journal(const std::string& path, const RunDescription& run, const JournalOptions& options = {});
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Whether the run was there before.
  bool continued() const noexcept;

  /// The job of this content that the run has and this session has not come to yet. If it had begun and its end was
  /// not recorded, that is now, as an attempt of the outcome "unknown".
  JournalEntry claim(const ContentKey& key, std::uint64_t number);
  /// A claimed job of unknown end is not to be run again: it counts as failed.
  void leave(const JournalEntry& entry);
  /// It is going to be run.
  void begin(JournalEntry& entry, const JobContent& content);
  /// `job` is done. One that was ended only because the run was, is to be run again. `returned`: what a function gave,
  /// as it is shown.
  void end(const JournalEntry& entry, const Job& job, bool succeeded, std::string_view returned = {});

  void commit();
  /// The session ends in order. Commits.
  void close(int exit_status);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// --- reading ---

struct JournalRun {
  std::int64_t id = 0;
  RunDescription description{};
  std::int64_t began = 0;  ///< nanoseconds since 1970, as all times here
  std::int64_t ended = 0;  ///< of its last session; 0: that was killed, or goes on
  int sessions = 0;
  int exit_status = 0;
  std::uint64_t jobs = 0;
};

struct JournalAttempt {
  int number = 0;
  std::int64_t session = 0;
  int worker_pid = 0;
  std::int64_t started = 0;  ///< 0: never, or not known
  std::int64_t ended = 0;
  std::string outcome{};  ///< as of outcome_name(); or "unknown": its program ended first
  int code = 0;           ///< exit status, or number of the signal
  std::string detail{};   ///< for people
  std::int64_t cpu = -1;  ///< nanoseconds of CPU time; -1: not known, as below
  std::int64_t peak_memory = -1;
  std::uint64_t output_bytes = 0;
  std::uint64_t error_output_bytes = 0;
};

struct JournalJob {
  std::int64_t id = 0;
  std::uint64_t number = 0;
  std::string description{};
  std::string input{};
  std::string options{};  ///< of queues: how to run it
  JobState state = JobState::kQueued;
  int attempts = 0;
  JournalAttempt last{};  ///< if there was one
};

/// What an attempt wrote, as far as it was kept.
struct JournalOutput {
  std::string output{};
  std::string error_output{};
};

/// Reads a journal, also while a program writes it. Whatever it does throws JournalError.
class JournalReader {
 public:
  explicit JournalReader(const std::string& path);
  ~JournalReader();
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  std::vector<JournalRun> runs();
  /// The jobs of a run, by number.
  void each_job(std::int64_t run, const std::function<void(const JournalJob&)>& take);
  /// What each job of a run is, and how far: in the order in which a session that continues it claims them.
  void each_key(std::int64_t run, const std::function<void(std::string_view key, JobState state)>& take);
  /// The first job of that number.
  std::optional<JournalJob> job(std::int64_t run, std::uint64_t number);
  std::vector<JournalAttempt> attempts(std::int64_t job);
  /// All attempts of a run that have begun, with the number of their job: by session, then by start.
  void each_attempt(std::int64_t run, const std::function<void(std::uint64_t number, const JournalAttempt&)>& take);
  JournalOutput output(std::int64_t job, int attempt);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prong
