#include "journal/schema.h"

#include <cstddef>
#include <cstdint>

#include "os/file.h"
#include "prong/journal.h"

namespace prong::journal {
namespace {

constexpr std::int64_t kApplication = 0x50726e67;  // "Prng"

// WAL, in the two bytes of the header that say how the file is written and read.
constexpr std::size_t kWriteVersionOffset = 18;
constexpr std::size_t kReadVersionOffset = 19;
constexpr char kWalVersion = 2;

constexpr const char* kTables = R"(
PRAGMA application_id = 0x50726e67;
PRAGMA user_version = 3;
CREATE TABLE run(
  id INTEGER PRIMARY KEY,
  command TEXT NOT NULL,
  folder TEXT NOT NULL,
  workers INTEGER NOT NULL,
  kind TEXT NOT NULL DEFAULT 'run',
  paused INTEGER NOT NULL DEFAULT 0,
  last_number INTEGER NOT NULL DEFAULT 0,
  forgotten_failures INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE session(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  pid INTEGER NOT NULL,
  version TEXT NOT NULL,
  began INTEGER NOT NULL,
  ended INTEGER,
  exit_status INTEGER
) STRICT;
CREATE TABLE surroundings(
  id INTEGER PRIMARY KEY,
  content TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE job(
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run(id),
  session INTEGER NOT NULL REFERENCES session(id),
  key BLOB NOT NULL,
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK(state IN ('queued', 'dispatched', 'done', 'failed')),
  attempts INTEGER NOT NULL,
  description TEXT NOT NULL,
  input TEXT NOT NULL,
  payload BLOB NOT NULL,
  options TEXT NOT NULL DEFAULT '',
  surroundings INTEGER REFERENCES surroundings(id)
) STRICT;
CREATE INDEX job_by_key ON job(run, key, session);
CREATE TABLE attempt(
  job INTEGER NOT NULL REFERENCES job(id),
  number INTEGER NOT NULL,
  session INTEGER NOT NULL REFERENCES session(id),
  worker_pid INTEGER,
  started INTEGER,
  ended INTEGER,
  outcome TEXT NOT NULL,
  code INTEGER,
  detail TEXT NOT NULL,
  cpu INTEGER,
  peak_memory INTEGER,
  output_bytes INTEGER NOT NULL,
  error_output_bytes INTEGER NOT NULL,
  PRIMARY KEY(job, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE output(
  job INTEGER NOT NULL REFERENCES job(id),
  attempt INTEGER NOT NULL,
  output BLOB NOT NULL,
  error_output BLOB NOT NULL,
  PRIMARY KEY(job, attempt)
) STRICT;
)";

constexpr const char* kFrom1To2 = R"(
BEGIN IMMEDIATE;
ALTER TABLE run ADD COLUMN kind TEXT NOT NULL DEFAULT 'run';
ALTER TABLE run ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
CREATE TABLE surroundings(id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE) STRICT;
ALTER TABLE job ADD COLUMN options TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN surroundings INTEGER REFERENCES surroundings(id);
PRAGMA user_version = 2;
COMMIT;
)";

constexpr const char* kFrom2To3 = R"(
BEGIN IMMEDIATE;
ALTER TABLE run ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN forgotten_failures INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 3;
COMMIT;
)";

[[noreturn]] void refuse(const Database& database, const std::string& why) {
  throw JournalError("journal '" + database.path() + "': " + why);
}

// SQLite itself notices a missing end only when it comes to it.
void check_size(Database& database) {
  const auto pages = static_cast<std::uint64_t>(database.number("PRAGMA page_count"));
  const auto page_size = static_cast<std::uint64_t>(database.number("PRAGMA page_size"));
  const std::uint64_t size = os::size_of_file(database.path()).value_or(0);
  // What is in the write-ahead log alone is counted, too.
  const std::uint64_t log = os::size_of_file(database.path() + "-wal").value_or(0);
  if (size + log < pages * page_size)
    refuse(database, "its end is missing: " + std::to_string(size) + " bytes of " + std::to_string(pages * page_size) +
                         " are there; save what is left with: sqlite3 '" + database.path() +
                         "' .recover | sqlite3 saved.db");
}

}  // namespace

std::string empty_journal() {
  Database database;
  database.execute(kTables);
  std::string image = database.image();
  image[kWriteVersionOffset] = kWalVersion;
  image[kReadVersionOffset] = kWalVersion;
  return image;
}

void check_journal(Database& database) {
  if (database.number("PRAGMA application_id") != kApplication)
    refuse(database, "the file is a database of another program; nothing was changed in it");
  const std::int64_t version = database.number("PRAGMA user_version");
  if (version < 1 || version > kVersion)
    refuse(database, "it has version " + std::to_string(version) + " of the format, and this program knows 1 to " +
                         std::to_string(kVersion) + "; use the program that wrote it, or a later one");
  check_size(database);
}

void check_kind(Database& database, RunKind kind) {
  Statement others(database, "SELECT 1 FROM run WHERE kind <> ?1");
  others.bind(run_kind_name(kind));
  if (!others.next()) return;
  others.reset();
  refuse(database, kind == RunKind::kQueue
                       ? "it is the journal of runs, which cannot be served as a queue; take another name"
                       : "it is the journal of a queue: submit jobs to that, or take another file");
}

void bring_up_to_date(Database& database) {
  if (database.number("PRAGMA user_version") == 1) database.execute(kFrom1To2);
  if (database.number("PRAGMA user_version") == 2) database.execute(kFrom2To3);
}

}  // namespace prong::journal
