// Limits, for every kind of start: each is met by code that does not cooperate, and nothing of it is left.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "engine/text_pool.h"
#include "engine/text_runner.h"
#include "os/clock.h"
#include "os/usage.h"
#include "prong/error.h"
#include "prong/pool.h"
#include "support/eventually.h"

namespace prong {
namespace {

using namespace std::chrono_literals;
using test::job;
using test::run;
using test::temporary_name;
using test::text_pool;
using test::value_of;
using test::wait_for;
using test::wait_for_file;

class LimitsTest : public testing::TestWithParam<StartKind> {
 protected:
  PoolOptions options(int workers = 2) { return text_pool(GetParam(), workers); }
};

INSTANTIATE_TEST_SUITE_P(EveryStart, LimitsTest,
                         testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn), test::kind_name);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

/// Never 0, which would mean the group of this very process.
pid_t launcher_of(Pool& pool) {
  const auto pid = static_cast<pid_t>(pool.stats().launcher_pid);
  if (pid <= 0) throw std::logic_error("the pool has no launcher");
  return pid;
}

/// What the job came to, which must be a time-out.
TimedOut limit_met(Pool& pool, const JobPtr& submitted) {
  wait_for(pool, submitted);
  const auto* timed_out = std::get_if<TimedOut>(&submitted->outcome());
  EXPECT_NE(timed_out, nullptr) << describe(submitted->outcome());
  return timed_out != nullptr ? *timed_out : TimedOut{};
}

TimedOut limit_met(Pool& pool, const std::string& text, JobOptions job_options) {
  return limit_met(pool, pool.submit(job(text, std::move(job_options))));
}

TEST_P(LimitsTest, CpuTimeOfTheWorker) {
  Pool pool(options());
  const TimedOut met = limit_met(pool, "burn", {.timeout = 30s, .cpu_time = 50ms});
  EXPECT_EQ(met.limit, Limit::kCpuTime);
  EXPECT_EQ(met.allowed, 50ms);
  EXPECT_EQ(run(pool, "echo on"), "on");
}

TEST_P(LimitsTest, CpuTimeOfWhatItStarts) {
  Pool pool(options());
  EXPECT_EQ(limit_met(pool, "burn-below", {.timeout = 30s, .cpu_time = 50ms}).limit, Limit::kCpuTime);
}

TEST_P(LimitsTest, SleepingTakesNoCpuTime) {
  Pool pool(options());
  EXPECT_EQ(limit_met(pool, "hang", {.timeout = 300ms, .cpu_time = 100ms}).limit, Limit::kWallTime);
}

TEST_P(LimitsTest, Memory) {
  Pool pool(options());
  const JobPtr grown = pool.submit(job("grow 200", {.timeout = 30s, .memory = 64 << 20}));
  const TimedOut met = limit_met(pool, grown);
  EXPECT_EQ(grown->attempts().back().peak_memory, static_cast<std::int64_t>(met.peak_bytes));
  EXPECT_EQ(grown->attempts().back().cpu_time, -1ns);
  EXPECT_EQ(met.limit, Limit::kMemory);
  EXPECT_EQ(met.allowed_bytes, 64u << 20);
  EXPECT_GT(met.peak_bytes, 64u << 20);
  if (kSanitized) return;  // each byte takes several
  EXPECT_EQ(limit_met(pool, "grow 20", {.timeout = 300ms, .memory = 64 << 20}).limit, Limit::kWallTime);
}

TEST_P(LimitsTest, TimeInTheQueue) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const JobPtr blocker = pool.submit(job("wait " + gate));
  const JobPtr late = pool.submit(job("echo late", {.queue_time = 50ms}));
  EXPECT_EQ(limit_met(pool, late).limit, Limit::kQueueTime);
  EXPECT_TRUE(late->attempts().empty());
  std::ofstream(gate).flush();
  wait_for(pool, blocker);
  EXPECT_EQ(run(pool, "echo in time", {.queue_time = 30s}), "in time");
}

TEST_P(LimitsTest, SizeOfTheResult) {
  Pool pool(options());
  const TimedOut met = limit_met(pool, "big 5000", {.output = 1000});
  EXPECT_EQ(met.limit, Limit::kOutput);
  EXPECT_EQ(met.allowed_bytes, 1000u);
  EXPECT_EQ(met.peak_bytes, 5000u);
  EXPECT_EQ(run(pool, "big 999", {.output = 1000}).size(), 999u);
}

TEST_P(LimitsTest, BudgetEndsEverything) {
  PoolOptions with_budget = options(1);
  with_budget.budget = 1500ms;
  Pool pool(with_budget);
  const JobPtr running = pool.submit(job("hang"));
  const JobPtr queued = pool.submit(job("echo"));
  EXPECT_EQ(limit_met(pool, running).limit, Limit::kBudget);
  EXPECT_EQ(limit_met(pool, queued).limit, Limit::kBudget);
  EXPECT_THROW(pool.submit(job("echo")), PoolError);
}

TEST_P(LimitsTest, StallEndsWhatRuns) {
  PoolOptions with_stall = options(1);
  with_stall.stall = 300ms;
  Pool pool(with_stall);
  const JobPtr running = pool.submit(job("hang"));
  const JobPtr queued = pool.submit(job("echo next"));
  EXPECT_EQ(limit_met(pool, running).limit, Limit::kStall);
  wait_for(pool, queued);
  EXPECT_EQ(value_of(queued), "next");
}

// --- stacks ---

TEST_P(LimitsTest, StacksAreTakenBeforeTheEnd) {
  Pool pool(options());
  for (const char* stubborn : {"hang", "burn", "stubborn", "stop"}) {
    const TimedOut met = limit_met(pool, stubborn, {.timeout = 100ms});
    EXPECT_NE(met.stack.find("Native frames"), std::string::npos) << stubborn << ": " << met.stack;
    EXPECT_EQ(met.stack.find("end of stacks"), std::string::npos);
  }
}

TEST_P(LimitsTest, MissingStacksSayWhy) {
  Pool pool(options());
  EXPECT_NE(limit_met(pool, "mute", {.timeout = 100ms}).stack.find("replaced"), std::string::npos);
  EXPECT_NE(limit_met(pool, "deaf", {.timeout = 100ms}).stack.find("blocks"), std::string::npos);
}

// --- retries ---

TEST_P(LimitsTest, RetriesByExceptionType) {
  Pool pool(options());
  const auto attempts = [&](std::vector<std::string> wanted) {
    const JobPtr raising = pool.submit(job("raise", {.retry = {.retries = 2, .exceptions = std::move(wanted)}}));
    wait_for(pool, raising);
    return raising->attempts().size();
  };
  EXPECT_EQ(attempts({}), 3u);
  EXPECT_EQ(attempts({"test.Error"}), 3u);
  EXPECT_EQ(attempts({"other.Error", "test.Base"}), 3u);
  EXPECT_EQ(attempts({"other.Error"}), 1u);
}

TEST_P(LimitsTest, RetriesByExitCodeAndSignal) {
  Pool pool(options());
  const auto attempts = [&](const std::string& text, RetryPolicy policy) {
    policy.retries = 1;
    const JobPtr dying = pool.submit(job(text, {.retry = std::move(policy)}));
    wait_for(pool, dying);
    return dying->attempts().size();
  };
  EXPECT_EQ(attempts("exit 3", {.exit_codes = {3, 4}}), 2u);
  EXPECT_EQ(attempts("exit 5", {.exit_codes = {3, 4}}), 1u);
  EXPECT_EQ(attempts("crash 9", {.signals = {SIGKILL}}), 2u);
  EXPECT_EQ(attempts("crash 11", {.signals = {SIGKILL}}), 1u);
}

TEST_P(LimitsTest, WhatKeepsEndingItsWorkerIsQuarantined) {
  Pool pool(options());
  const JobPtr killer = pool.submit(job("crash 9", {.retry = {.retries = 10, .quarantine_after = 2}}));
  wait_for(pool, killer);
  EXPECT_EQ(killer->attempts().size(), 2u);
  EXPECT_TRUE(killer->quarantined());
  const JobPtr raising = pool.submit(job("raise", {.retry = {.retries = 3, .quarantine_after = 2}}));
  wait_for(pool, raising);
  EXPECT_EQ(raising->attempts().size(), 4u) << "exceptions harm no worker";
  EXPECT_FALSE(raising->quarantined());
}

// --- workers' lives ---

TEST_P(LimitsTest, GrownWorkersAreReplaced) {
  PoolOptions recycling = options(1);
  recycling.max_worker_memory = 32 << 20;
  Pool pool(recycling);
  const std::string first = run(pool, "pid");
  EXPECT_EQ(run(pool, "pid"), first);
  EXPECT_EQ(run(pool, "keep 64"), "kept");
  EXPECT_NE(run(pool, "pid"), first);
}

TEST_P(LimitsTest, OldWorkersAreReplaced) {
  PoolOptions recycling = options(1);
  recycling.max_worker_age = 50ms;
  Pool pool(recycling);
  const std::string first = run(pool, "pid");
  run(pool, "nap 100");
  EXPECT_NE(run(pool, "pid"), first);
}

/// How often this process was put to sleep, all threads.
std::uint64_t sleeps() {
  std::uint64_t sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string name; status >> name;)
      if (name == "voluntary_ctxt_switches:") {
        std::uint64_t count = 0;
        status >> count;
        sum += count;
      }
  }
  return sum;
}

TEST_P(LimitsTest, AnIdlePoolDoesNotWakeUp) {
  PoolOptions watched = options(2);
  watched.start_timeout = 1s;
  watched.stall = 50ms;
  watched.max_worker_age = 50ms;
  Pool pool(watched);
  EXPECT_EQ(run(pool, "echo one", {.cpu_time = 1s, .memory = 1 << 30}), "one");
  wait_for(pool, [&] {
    const auto workers = pool.workers();
    return workers.size() == 2 && std::ranges::all_of(workers, [](const auto& each) { return each.state == "idle"; });
  });
  std::this_thread::sleep_for(300ms);  // one worker is replaced for its age
  const std::uint64_t before = sleeps();
  const std::clock_t cpu = std::clock();
  std::this_thread::sleep_for(watched.start_timeout);
  if (!kSanitized) {  // ThreadSanitizer has a thread of its own, which wakes up
    EXPECT_LE(sleeps() - before, 5u);
  }
  EXPECT_LT(std::clock() - cpu, CLOCKS_PER_SEC / 5);
  EXPECT_EQ(run(pool, "echo later"), "later") << "what waited long for its first job is no worker that hangs";
}

TEST_P(LimitsTest, IdleWorkersEndAndComeBack) {
  PoolOptions shrinking = options(2);
  shrinking.idle_timeout = 50ms;
  shrinking.min_workers = 1;
  Pool pool(shrinking);
  wait_for(pool, [&] { return pool.stats().workers_started >= 2; });
  EXPECT_TRUE(test::eventually([&] { return pool.workers().size() == 1; }));
  const std::string gate = temporary_name();
  const JobPtr one = pool.submit(job("wait " + gate));
  EXPECT_EQ(run(pool, "echo two"), "two");
  std::ofstream(gate).flush();
  wait_for(pool, one);
}

TEST_P(LimitsTest, LostWorkersAreTold) {
  PoolOptions telling = options(1);
  std::mutex mutex;
  std::vector<WorkerLoss> losses;
  telling.on_worker_lost = [&](const WorkerLoss& loss) {
    const std::lock_guard lock(mutex);
    losses.push_back(loss);
  };
  {
    Pool pool(telling);
    const JobPtr dying = pool.submit(job("crash 11"));
    wait_for(pool, dying);
    EXPECT_EQ(run(pool, "echo on"), "on");
    pool.close();
    EXPECT_EQ(pool.join(), WaitResult::kReady);
  }
  ASSERT_EQ(losses.size(), 1u) << "the one that ended in order is no loss";
  EXPECT_GT(losses[0].pid, 0);
  const auto* signalled = std::get_if<Signalled>(&losses[0].outcome);
  ASSERT_NE(signalled, nullptr);
  EXPECT_EQ(signalled->number, SIGSEGV);
}

TEST(LeakTest, AThousandPoolsLeaveNothing) {
  const auto measure = [] {
    const auto folder = std::filesystem::directory_iterator("/proc/self/fd");
    return std::pair(std::distance(folder, {}), os::resident_bytes_of(::getpid()));
  };
  const auto use = [](int pools) {
    for (int i = 0; i < pools; ++i) {
      Pool pool(text_pool(i % 2 == 0 ? StartKind::kFork : StartKind::kFresh, 1));
      ASSERT_EQ(run(pool, "echo x"), "x");
    }
  };
  // A sanitizer keeps what was freed, and takes its time.
  use(kSanitized ? 10 : 100);
  const auto [descriptors, bytes] = measure();
  use(kSanitized ? 50 : 900);
  const auto [descriptors_later, bytes_later] = measure();
  EXPECT_EQ(descriptors_later, descriptors);
  if (!kSanitized) {
    EXPECT_LT(bytes_later, bytes + (4 << 20));
  }
}

// --- the launcher ---

TEST_P(LimitsTest, WhatJobsStartedDiesWithTheLauncher) {
  Pool pool(options(1));
  const std::string file = temporary_name();
  const JobPtr family = pool.submit(job("family " + file));
  wait_for_file(file);
  pid_t grandchild = 0;
  std::ifstream(file) >> grandchild;
  ASSERT_GT(grandchild, 0);
  ::kill(launcher_of(pool), SIGKILL);
  wait_for(pool, family);
  const auto* lost = std::get_if<Lost>(&family->outcome());
  ASSERT_NE(lost, nullptr) << describe(family->outcome());
  EXPECT_EQ(lost->reason, LostReason::kLauncherLost);
  EXPECT_TRUE(test::eventually([&] { return ::kill(grandchild, 0) != 0; })) << "the guard has left it alive";
}

TEST_P(LimitsTest, AWorkerThatWasStoppedWhileIdleCostsNoJob) {
  Pool pool(options(1));
  const pid_t stopped = std::stoi(run(pool, "pid"));
  ::kill(stopped, SIGSTOP);
  EXPECT_EQ(run(pool, "echo elsewhere"), "elsewhere");
}

// Each takes a slot until the worker passes over it.
TEST_P(LimitsTest, JobsCancelledWhileTheWorkerWasStoppedDoNotFillItForEver) {
  constexpr int kMoreThanSlots = 300;
  Pool pool(options(1));
  const pid_t stopped = std::stoi(run(pool, "pid"));
  ::kill(stopped, SIGSTOP);
  for (int i = 0; i < kMoreThanSlots; ++i) EXPECT_TRUE(pool.cancel(pool.submit(job("echo never"))));
  EXPECT_EQ(run(pool, "echo elsewhere"), "elsewhere");
}

TEST_P(LimitsTest, AfterAnIdleTimeNothingIsStalled) {
  PoolOptions with_stall = options(2);
  with_stall.stall = 100ms;
  Pool pool(with_stall);
  EXPECT_EQ(run(pool, "echo first"), "first");
  const MonotonicNs idle_until = os::monotonic_now() + 2 * with_stall.stall.count();
  pool.wait([] { return false; }, {.deadline = idle_until, .signals = nullptr});
  EXPECT_EQ(run(pool, "nap 20"), "");
}

TEST_P(LimitsTest, ABudgetHoldsForWhatIsGivenToStartingWorkers) {
  PoolOptions with_budget = options(1);
  with_budget.budget = 1ms;
  Pool pool(with_budget);
  try {
    const JobPtr early = pool.submit(job("hang"));
    wait_for(pool, early);
    EXPECT_TRUE(std::holds_alternative<TimedOut>(early->outcome())) << describe(early->outcome());
  } catch (const PoolError&) {
    // Already over.
  }
}

TEST_P(LimitsTest, TheEndDoesNotWaitForAStoppedLauncher) {
  Pool pool(options(1));
  EXPECT_EQ(run(pool, "echo x"), "x");
  ::kill(launcher_of(pool), SIGSTOP);
  pool.terminate();
  EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}), WaitResult::kReady);
}

TEST_P(LimitsTest, AMemoryLimitIsNotMissedAfterAWorkerHasShrunk) {
  Pool pool(options(1));
  EXPECT_EQ(run(pool, "keep 200"), "kept");
  EXPECT_EQ(run(pool, "echo x", {.memory = 1 << 30}), "x");
  EXPECT_EQ(run(pool, "keep 0"), "kept");
  EXPECT_EQ(limit_met(pool, "grow 200", {.timeout = 30s, .memory = 50 << 20}).limit, Limit::kMemory);
}

/// Pools of kind fork have a template that cannot be had again.
class NewLauncherTest : public LimitsTest {};

INSTANTIATE_TEST_SUITE_P(EveryStart, NewLauncherTest, testing::Values(StartKind::kFresh, StartKind::kSpawn),
                         test::kind_name);

TEST_P(NewLauncherTest, AHungLauncherIsReplaced) {
  Pool pool(options(1));
  EXPECT_EQ(run(pool, "echo before"), "before");
  ::kill(launcher_of(pool), SIGSTOP);
  const JobPtr hanging = pool.submit(job("hang", {.timeout = 50ms}));
  wait_for(pool, hanging);
  EXPECT_EQ(run(pool, "echo after"), "after");
}

}  // namespace
}  // namespace prong
