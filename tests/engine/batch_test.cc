// Batches: many calls in one request, of which each keeps an outcome of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/text_pool.h"
#include "engine/text_runner.h"
#include "prong/error.h"
#include "prong/pool.h"
#include "support/eventually.h"

namespace prong {
namespace {

using namespace std::chrono_literals;
using test::kind_name;
using test::temporary_name;
using test::text_pool;
using test::wait_for;

using Texts = std::vector<std::string>;

JobSpec batch(const Texts& texts, JobOptions options = {}) {
  std::string lines;
  for (const std::string& text : texts) lines += text + "\n";
  JobSpec spec = test::job(lines, std::move(options));
  spec.items = static_cast<std::uint32_t>(texts.size());
  return spec;
}

bool all_done(JobPtr job) {
  for (; job; job = job->items()->rest)
    if (!job->done()) return false;
  return true;
}

/// The result of each item, or what it came to.
Texts outcomes_of(JobPtr job) {
  Texts outcomes;
  for (; job; job = job->items()->rest) {
    const Items& items = *job->items();
    EXPECT_EQ(items.first, outcomes.size());
    std::string lines;
    for (const Payload& piece : items.results) lines += piece.text();
    std::istringstream text(lines);
    for (std::string line; std::getline(text, line);) outcomes.push_back(line);
    EXPECT_EQ(outcomes.size(), items.first + items.ended);
    for (std::uint32_t i = items.ended; i < items.count; ++i) outcomes.push_back(describe(job->outcome()));
  }
  return outcomes;
}

Texts run(Pool& pool, const Texts& texts, JobOptions options = {}) {
  const JobPtr job = pool.submit(batch(texts, std::move(options)));
  wait_for(pool, [&] { return all_done(job); });
  return outcomes_of(job);
}

Texts echoes(int count) {
  Texts texts;
  for (int i = 0; i < count; ++i) texts.push_back("echo " + std::to_string(i));
  return texts;
}

Texts numbers(int count) {
  Texts texts;
  for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i));
  return texts;
}

class BatchTest : public testing::TestWithParam<StartKind> {
 protected:
  PoolOptions options(int workers = 2) const { return text_pool(GetParam(), workers); }
};

INSTANTIATE_TEST_SUITE_P(EveryStart, BatchTest, testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn),
                         kind_name);

TEST_P(BatchTest, EachItemHasItsResult) {
  Pool pool(options());
  EXPECT_EQ(run(pool, echoes(1000)), numbers(1000));
  EXPECT_EQ(run(pool, {"echo one"}), Texts{"one"});
  EXPECT_EQ(pool.stats().submitted, 1001u);
  EXPECT_EQ(pool.stats().finished, 1001u);
}

TEST_P(BatchTest, CrashCostsOneItem) {
  Pool pool(options());
  Texts texts = echoes(300);
  Texts expected = numbers(300);
  for (const std::size_t at : {0u, 57u, 58u, 299u}) {
    texts[at] = "crash 9";
    expected[at] = describe(Signalled{SIGKILL, false});
  }
  texts[100] = "exit 3";
  expected[100] = describe(Exited{3});
  texts[200] = "raise no";
  expected[200] = "!no";
  EXPECT_EQ(run(pool, texts), expected);
  EXPECT_EQ(run(pool, echoes(10)), numbers(10));
}

TEST_P(BatchTest, TimeOutCostsOneItem) {
  Pool pool(options());
  Texts texts = echoes(50);
  texts[20] = "hang";
  Texts outcomes = run(pool, texts, {.timeout = 500ms});
  EXPECT_EQ(outcomes[20].rfind("exceeded its wall-time limit", 0), 0u) << outcomes[20];
  outcomes[20] = "20";
  EXPECT_EQ(outcomes, numbers(50));
}

TEST_P(BatchTest, ManyShortItemsMayTakeLongerThanTheLimitOfOne) {
  Pool pool(options(1));
  EXPECT_EQ(run(pool, Texts(200, "nap 5"), {.timeout = 700ms}), Texts(200, ""));
}

TEST_P(BatchTest, LongItemDoesNotHoldUpThoseBehindIt) {
  Pool pool(options());
  const std::string gate = temporary_name();
  Texts texts = echoes(200);
  texts[10] = "wait " + gate;
  texts[199] = "count " + gate;  // opens it
  Texts expected = numbers(200);
  expected[10] = expected[199] = "";
  EXPECT_EQ(run(pool, texts), expected);
}

TEST_P(BatchTest, IdleWorkersTakeTheirShare) {
  Pool pool(options());
  wait_for(pool, [&] {
    const auto workers = pool.workers();
    return workers.size() == 2 && workers[0].state == "idle" && workers[1].state == "idle";
  });
  EXPECT_EQ(run(pool, Texts(40, "nap 3")), Texts(40, ""));
  EXPECT_GT(pool.workers().at(0).jobs_done, 0u);
  EXPECT_GT(pool.workers().at(1).jobs_done, 0u);
}

TEST_P(BatchTest, ResultsOfAnySize) {
  Pool pool(options());
  Texts texts;
  Texts expected;
  for (const int size : {10, 300'000, 100'000, 100'000, 100'000, 20, 2'000'000, 2'000'000, 30}) {
    texts.push_back("big " + std::to_string(size));
    expected.emplace_back(size, 'x');
  }
  EXPECT_EQ(run(pool, texts), expected);
  texts.insert(texts.begin() + 3, "crash 9");
  expected.insert(expected.begin() + 3, describe(Signalled{SIGKILL, false}));
  EXPECT_EQ(run(pool, texts), expected);
}

TEST_P(BatchTest, LargeBatchTravelsInABlock) {
  Pool pool(options());
  EXPECT_EQ(run(pool, echoes(30'000)), numbers(30'000));
}

TEST_P(BatchTest, NothingRunsTwiceThoughWorkersAreKilled) {
  Pool pool(options());
  const std::string file = temporary_name();
  const JobPtr job = pool.submit(batch(Texts(3000, "count " + file)));
  for (int kills = 0; kills < 20 && !all_done(job); ++kills) {
    for (const WorkerInfo& worker : pool.workers())
      if (worker.pid > 0) ::kill(worker.pid, SIGKILL);
    const MonotonicNs until = os::monotonic_now() + 3'000'000;
    pool.wait([&] { return os::monotonic_now() > until; }, {.deadline = until + 1, .signals = nullptr});
  }
  wait_for(pool, [&] { return all_done(job); });
  const Texts outcomes = outcomes_of(job);
  ASSERT_EQ(outcomes.size(), 3000u);
  const auto returned = std::count(outcomes.begin(), outcomes.end(), "");
  std::ifstream counted(file);
  const auto lines = std::count(std::istreambuf_iterator<char>(counted), {}, '\n');
  EXPECT_GE(lines, returned);
  EXPECT_LE(lines, 3000);
}

/// Pools of kind fork have a template that cannot be had again.
class BatchOnNewLauncherTest : public BatchTest {};

INSTANTIATE_TEST_SUITE_P(EveryStart, BatchOnNewLauncherTest, testing::Values(StartKind::kFresh, StartKind::kSpawn),
                         kind_name);

TEST_P(BatchOnNewLauncherTest, NothingRunsTwice) {
  Pool pool(options());
  const std::string file = temporary_name();
  const JobPtr job = pool.submit(batch(Texts(20'000, "count " + file)));
  test::wait_for_file(file);
  for (int kills = 0; kills < 5 && !all_done(job); ++kills) {
    ::kill(static_cast<pid_t>(pool.stats().launcher_pid), SIGKILL);
    const MonotonicNs until = os::monotonic_now() + 20'000'000;
    pool.wait([&] { return os::monotonic_now() > until; }, {.deadline = until + 1, .signals = nullptr});
  }
  wait_for(pool, [&] { return all_done(job); });
  const Texts outcomes = outcomes_of(job);
  ASSERT_EQ(outcomes.size(), 20'000u);
  std::ifstream counted(file);
  EXPECT_LE(std::count(std::istreambuf_iterator<char>(counted), {}, '\n'), 20'000);
  const auto lost =
      std::count_if(outcomes.begin(), outcomes.end(), [](const std::string& each) { return !each.empty(); });
  EXPECT_LE(lost, 10);  // of each worker, for each kill, the item that ran
}

TEST_P(BatchTest, TerminateEndsAllItems) {
  Pool pool(options(1));  // another worker would have run what is behind the item that hangs
  const std::string file = temporary_name();
  Texts texts = echoes(100);
  texts[1] = "count " + file;
  texts[2] = "hang";
  const JobPtr job = pool.submit(batch(texts));
  test::wait_for_file(file);
  pool.terminate();
  pool.join();
  ASSERT_TRUE(all_done(job));
  const Texts outcomes = outcomes_of(job);
  EXPECT_EQ(outcomes.size(), 100u);
  EXPECT_EQ(outcomes[0], "0");
  for (std::size_t i = 2; i < 100; ++i) EXPECT_EQ(outcomes[i].rfind("cancelled ", 0), 0u) << outcomes[i];
}

TEST_P(BatchTest, DefinitionsComeFirst) {
  Pool pool(options());
  JobSpec spec = batch({"defined 0", "echo b"});
  spec.needs =
      std::make_shared<const std::vector<DefinitionPtr>>(1, pool.define(Payload::copy_of(std::string("what it is"))));
  const JobPtr job = pool.submit(std::move(spec));
  wait_for(pool, [&] { return all_done(job); });
  EXPECT_EQ(outcomes_of(job), (Texts{"what it is", "b"}));
}

TEST_P(BatchTest, AnItemIsAJobOfItsOwn) {
  Pool pool(options(1));  // another one that is idle could take items over
  const JobPtr first = pool.submit(test::job("echo first"));
  const JobPtr job = pool.submit(batch({"echo a", "crash 9", "echo c"}));
  wait_for(pool, [&] { return all_done(job); });
  const JobPtr crashed = job->item(1, job->outcome());
  EXPECT_EQ(crashed->id(), first->id() + 2);
  EXPECT_EQ(crashed->attempts().size(), 1u);
  EXPECT_TRUE(crashed->done());
  EXPECT_EQ(job->items()->rest->id(), first->id() + 3);
}

TEST_P(BatchTest, OptionsThatNeedAJobForEachCallAreRefused) {
  Pool pool(options());
  EXPECT_THROW(pool.submit(batch({"echo"}, {.retry = {.retries = 1}})), UsageError);
  EXPECT_THROW(pool.submit(batch({"echo"}, {.fresh = true})), UsageError);
  EXPECT_THROW(pool.submit(batch({"echo"}, {.memory = 1 << 30})), UsageError);
}

}  // namespace
}  // namespace prong
