#include "prong/journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "jobs/ledger.h"
#include "journal/database.h"
#include "journal/schema.h"
#include "support/temporary.h"

namespace prong {
namespace {

constexpr MonotonicNs kStarted = 1'000;
constexpr MonotonicNs kEnded = 3'000;

ContentKey key_of(std::string_view content) {
  return ContentKey::Maker().add(content).make();
}

Attempt attempt_with(Outcome outcome) {
  return {.worker_pid = 42,
          .started = kStarted,
          .ended = kEnded,
          .outcome = std::move(outcome),
          .output = Payload::copy_of(std::string_view("written")),
          .error_output = Payload::copy_of(std::string_view("complained")),
          .cpu_time = std::chrono::nanoseconds(1'234'567'890),
          .peak_memory = 67'108'864};
}

/// A job that is done after one attempt.
JobPtr done_job(Outcome outcome) {
  jobs::Ledger ledger(1, true);
  const JobPtr job = ledger.submit({}, 0);
  ledger.next(0);
  ledger.end_attempt(job, attempt_with(std::move(outcome)), kEnded);
  return job;
}

JobPtr cancelled_job() {
  jobs::Ledger ledger(1, true);
  const JobPtr job = ledger.submit({}, 0);
  ledger.cancel(job, 0);
  return job;
}

JobContent content_of(std::uint64_t number, std::string_view text) {
  return {.number = number,
          .description = "run " + std::string(text),
          .input = std::string(text),
          .payload = Payload::copy_of(text)};
}

/// What a program does with one job.
void run(Journal& journal, std::uint64_t number, std::string_view text, Outcome outcome) {
  JournalEntry entry = journal.claim(key_of(text), number);
  journal.begin(entry, content_of(number, text));
  journal.commit();
  const bool succeeded = prong::succeeded(outcome, true);
  journal.end(entry, *done_job(std::move(outcome)), succeeded);
  journal.commit();
}

JobState state_in(Journal& journal, std::string_view text) {
  return journal.claim(key_of(text), 1).state;
}

std::vector<JournalJob> jobs_of(const std::string& path, std::int64_t run = 1) {
  std::vector<JournalJob> jobs;
  JournalReader(path).each_job(run, [&](const JournalJob& job) { jobs.push_back(job); });
  return jobs;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string complaint_of(const std::string& path) {
  try {
    const Journal journal(path, {}, {.continues = true});
  } catch (const JournalError& error) {
    return error.what();
  }
  return {};
}

TEST(ContentKeyTest, PartsAreKeptApart) {
  EXPECT_EQ(ContentKey::Maker().add("ab").add("c").make(), ContentKey::Maker().add("ab").add("c").make());
  EXPECT_NE(ContentKey::Maker().add("ab").add("c").make(), ContentKey::Maker().add("a").add("bc").make());
  EXPECT_NE(ContentKey::Maker().add("").make(), ContentKey::Maker().make());
}

TEST(ContentKeyTest, FilesCountByTheirBytes) {
  const std::string path = test::temporary_name();
  const auto key = [&] { return ContentKey::Maker().add_file(path).make(); };
  const ContentKey missing = key();
  write_bytes(path, "");
  const ContentKey empty = key();
  write_bytes(path, "x");
  const ContentKey other = key();
  EXPECT_NE(missing, empty);
  EXPECT_NE(empty, other);
  write_bytes(path, "");
  EXPECT_EQ(key(), empty);
}

TEST(JournalTest, UsageIsReadAsItWasOrIsNotKnown) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    run(journal, 1, "a", Exited{0});
    JournalEntry entry = journal.claim(key_of("b"), 2);
    journal.begin(entry, content_of(2, "b"));
    jobs::Ledger ledger(1, true);
    const JobPtr job = ledger.submit({}, 0);
    ledger.next(0);
    ledger.end_attempt(job, {.outcome = Lost{}}, kEnded);
    journal.end(entry, *job, false);
    journal.close(1);
  }
  const std::vector<JournalJob> jobs = jobs_of(path);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].last.cpu, 1'234'567'890);
  EXPECT_EQ(jobs[0].last.peak_memory, 67'108'864);
  EXPECT_EQ(jobs[1].last.cpu, -1);
  EXPECT_EQ(jobs[1].last.peak_memory, -1);
}

TEST(JournalTest, EveryAttemptIsReadAsItWas) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {.command = "prong run true", .folder = "/", .workers = 3});
    EXPECT_FALSE(journal.continued());
    run(journal, 1, "a", Exited{0});
    run(journal, 2, "b", Exited{7});
    run(journal, 3, "c", Signalled{11});
    journal.close(2);
  }
  JournalReader reader(path);
  const std::vector<JournalRun> runs = reader.runs();
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].description.command, "prong run true");
  EXPECT_EQ(runs[0].description.workers, 3);
  EXPECT_EQ(runs[0].jobs, 3U);
  EXPECT_EQ(runs[0].exit_status, 2);
  EXPECT_GE(runs[0].ended, runs[0].began);
  const std::vector<JournalJob> jobs = jobs_of(path);
  ASSERT_EQ(jobs.size(), 3U);
  EXPECT_EQ(jobs[0].state, JobState::kDone);
  EXPECT_EQ(jobs[1].description, "run b");
  EXPECT_EQ(jobs[1].input, "b");
  EXPECT_EQ(jobs[1].state, JobState::kFailed);
  EXPECT_EQ(jobs[1].last.outcome, "exited");
  EXPECT_EQ(jobs[1].last.code, 7);
  EXPECT_EQ(jobs[2].last.outcome, "signalled");
  EXPECT_EQ(jobs[2].last.code, 11);
  EXPECT_EQ(jobs[2].last.detail, "killed by signal 11 (SIGSEGV)");
  EXPECT_EQ(jobs[0].last.worker_pid, 42);
  EXPECT_EQ(jobs[0].last.ended - jobs[0].last.started, kEnded - kStarted);
  EXPECT_EQ(jobs[0].last.output_bytes, 7U);
  EXPECT_EQ(reader.output(jobs[0].id, 1).output, "written");
  EXPECT_EQ(reader.output(jobs[0].id, 1).error_output, "complained");
}

TEST(JournalTest, ARunIsContinuedOrBegunAnew) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    run(journal, 1, "a", Exited{0});
    run(journal, 2, "b", Exited{1});
    JournalEntry begun = journal.claim(key_of("c"), 3);
    journal.begin(begun, content_of(3, "c"));
    journal.commit();
  }
  {
    Journal journal(path, {}, {.continues = true});
    EXPECT_TRUE(journal.continued());
    EXPECT_EQ(state_in(journal, "a"), JobState::kDone);
    EXPECT_EQ(state_in(journal, "b"), JobState::kFailed);
    EXPECT_EQ(state_in(journal, "c"), JobState::kDispatched);
    EXPECT_EQ(state_in(journal, "d"), JobState::kNew);
  }
  {
    Journal journal(path, {}, {.continues = true});
    run(journal, 3, "c", Exited{0});
  }
  const std::vector<JournalAttempt> attempts = JournalReader(path).attempts(3);
  ASSERT_EQ(attempts.size(), 2U);
  EXPECT_EQ(attempts[0].outcome, "unknown");
  EXPECT_EQ(attempts[1].outcome, "exited");
  Journal journal(path, {});
  EXPECT_FALSE(journal.continued());
  EXPECT_EQ(state_in(journal, "a"), JobState::kNew);
}

TEST(JournalTest, WhatIsGivenTwiceIsKnownTwice) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    run(journal, 1, "a", Exited{0});
    run(journal, 2, "a", Exited{0});
  }
  Journal journal(path, {}, {.continues = true});
  for (const JobState expected : {JobState::kDone, JobState::kDone, JobState::kNew})
    EXPECT_EQ(state_in(journal, "a"), expected);
}

TEST(JournalTest, WhatIsNotCommittedIsNotThere) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    JournalEntry entry = journal.claim(key_of("a"), 1);
    journal.begin(entry, content_of(1, "a"));
  }
  EXPECT_TRUE(jobs_of(path).empty());
}

TEST(JournalTest, WhatEndedWithTheRunIsToBeRunAgain) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    run(journal, 1, "killed", Cancelled{true});
    run(journal, 2, "budget", TimedOut{.limit = Limit::kBudget});
    run(journal, 3, "timeout", TimedOut{.limit = Limit::kWallTime});
    JournalEntry entry = journal.claim(key_of("waited"), 4);
    journal.begin(entry, content_of(4, "waited"));
    journal.end(entry, *cancelled_job(), false);
    journal.commit();
  }
  Journal journal(path, {}, {.continues = true});
  EXPECT_EQ(state_in(journal, "killed"), JobState::kQueued);
  EXPECT_EQ(state_in(journal, "budget"), JobState::kQueued);
  EXPECT_EQ(state_in(journal, "timeout"), JobState::kFailed);
  EXPECT_EQ(state_in(journal, "waited"), JobState::kQueued);
}

TEST(JournalTest, AnUnknownEndMayBeLeft) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    JournalEntry entry = journal.claim(key_of("a"), 1);
    journal.begin(entry, content_of(1, "a"));
    journal.commit();
  }
  {
    Journal journal(path, {}, {.continues = true});
    journal.leave(journal.claim(key_of("a"), 1));
    journal.commit();
  }
  EXPECT_EQ(jobs_of(path)[0].state, JobState::kFailed);
  EXPECT_EQ(jobs_of(path)[0].last.outcome, "unknown");
}

TEST(JournalTest, LongOutputIsCutAndSoMuchIsSaid) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {}, {.kept_output = 3});
    run(journal, 1, "a", Exited{0});
  }
  EXPECT_EQ(jobs_of(path)[0].last.output_bytes, 7U);
  EXPECT_EQ(JournalReader(path).output(1, 1).output, "wri");
}

TEST(JournalTest, OneProgramHasItAndAnotherMayRead) {
  const std::string path = test::temporary_name();
  Journal journal(path, {});
  run(journal, 1, "a", Exited{0});
  EXPECT_NE(complaint_of(path).find("another prong works with it"), std::string::npos);
  EXPECT_EQ(jobs_of(path).size(), 1U);
}

TEST(JournalTest, BytesOfAllKindsComeBack) {
  const std::string path = test::temporary_name();
  const std::string odd("\0\xff\n'\"", 5);
  {
    Journal journal(path, {});
    run(journal, 1, odd, Exited{0});
  }
  EXPECT_EQ(jobs_of(path)[0].input, odd);
}

TEST(DamagedJournalTest, ForeignFilesAreRefusedAndLeftAlone) {
  const std::string empty = test::temporary_name();
  write_bytes(empty, "");
  EXPECT_NE(complaint_of(empty).find("the file is empty"), std::string::npos);
  EXPECT_EQ(bytes_of(empty), "");

  const std::string text = test::temporary_name();
  write_bytes(text, std::string(5'000, 'x'));
  EXPECT_NE(complaint_of(text).find("is no journal"), std::string::npos);
  EXPECT_EQ(bytes_of(text), std::string(5'000, 'x'));

  const std::string other = test::temporary_name();
  journal::Database database;
  database.execute("CREATE TABLE t(x)");
  write_bytes(other, database.image());
  EXPECT_NE(complaint_of(other).find("a database of another program"), std::string::npos);
}

TEST(DamagedJournalTest, LaterVersionsAreRefused) {
  const std::string path = test::temporary_name();
  write_bytes(path, journal::empty_journal());
  journal::Database(path, journal::Database::Access::kWrite).execute("PRAGMA user_version = 4");
  EXPECT_NE(complaint_of(path).find("it has version 4 of the format"), std::string::npos);
}

/// Files of a run of 300 jobs that a program has closed, and of one that was killed (with its write-ahead log).
class CutJournalTest : public testing::Test {
 protected:
  CutJournalTest() {
    const std::string path = test::temporary_name();
    Journal journal(path, {});
    for (int i = 0; i < kJobs; ++i) run(journal, i + 1U, std::to_string(i), Exited{0});
    killed_ = bytes_of(path);
    killed_log_ = bytes_of(path + "-wal");
    JournalReader(path).runs();
  }

  static constexpr int kJobs = 300;
  std::string killed_;
  std::string killed_log_;
};

// Whatever the length: so many whole records as there are, in their order, or an error. Never a new journal.
TEST_F(CutJournalTest, ALogIsReadToItsLastWholeRecord) {
  ASSERT_GT(killed_log_.size(), 100'000U);
  std::size_t before = 0;
  for (std::size_t length = 0; length <= killed_log_.size(); length += 9'973) {
    const std::string path = test::temporary_name();
    write_bytes(path, killed_);
    write_bytes(path + "-wal", killed_log_.substr(0, length));
    { const Journal journal(path, {}, {.continues = true}); }
    const std::vector<JournalJob> jobs = jobs_of(path);
    EXPECT_GE(jobs.size(), before) << length;
    for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(jobs[i].number, i + 1);
    before = jobs.size();
  }
  EXPECT_GT(before, kJobs / 2U);
}

TEST_F(CutJournalTest, AFileWithoutItsEndIsRefused) {
  const std::string whole = test::temporary_name();
  {
    Journal journal(whole, {});
    for (int i = 0; i < kJobs; ++i) run(journal, i + 1U, std::to_string(i), Exited{0});
  }
  ASSERT_FALSE(std::filesystem::exists(whole + "-wal"));
  const std::string bytes = bytes_of(whole);
  EXPECT_EQ(complaint_of(whole), "");
  for (std::size_t length = 0; length < bytes.size(); length += 7'919) {
    const std::string path = test::temporary_name();
    write_bytes(path, bytes.substr(0, length));
    EXPECT_NE(complaint_of(path), "") << length;
    EXPECT_EQ(bytes_of(path), bytes.substr(0, length)) << length;
  }
}

TEST_F(CutJournalTest, DamageInTheMiddleIsRefused) {
  const std::string path = test::temporary_name();
  {
    Journal journal(path, {});
    for (int i = 0; i < kJobs; ++i) run(journal, i + 1U, std::to_string(i), Exited{0});
  }
  std::string bytes = bytes_of(path);
  bytes.replace(3 * 4'096, 4'096, 4'096, '\x5a');
  write_bytes(path, bytes);
  EXPECT_NE(complaint_of(path).find("damaged"), std::string::npos);
}

}  // namespace
}  // namespace prong
