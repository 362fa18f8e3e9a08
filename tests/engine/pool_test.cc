// The whole engine, end to end, for every kind of start: what a job does, what becomes of it, what is left afterwards.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include "engine/text_pool.h"
#include "engine/text_runner.h"
#include "os/clock.h"
#include "prong/error.h"
#include "prong/pool.h"
#include "support/eventually.h"

namespace prong {
namespace {

using namespace std::chrono_literals;
using test::job;
using test::kind_name;
using test::run;
using test::temporary_name;
using test::text_pool;
using test::value_of;
using test::wait_for;
using test::wait_for_file;

bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

class PoolTest : public testing::TestWithParam<StartKind> {
 protected:
  PoolOptions options(int workers = 2) { return text_pool(GetParam(), workers); }
};

INSTANTIATE_TEST_SUITE_P(EveryStart, PoolTest, testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn),
                         kind_name);

// Of kind fresh, the pool is told of each lost template before it is told of the worker that this was to start.
TEST(PoolOfNoProgramTest, EndsItsJobs) {
  for (const StartKind start : {StartKind::kFresh, StartKind::kSpawn}) {
    PoolOptions options = text_pool(start, 1);
    options.program.arguments = {"/nonexistent/program"};
    options.start_early = false;
    Pool pool(options);
    const JobPtr submitted = pool.submit(job("echo hello"));
    wait_for(pool, submitted);
    const auto* lost = std::get_if<Lost>(&submitted->outcome());
    ASSERT_NE(lost, nullptr);
    EXPECT_EQ(lost->reason, LostReason::kStartFailed);
    EXPECT_NE(pool.failure().find("No such file"), std::string::npos) << pool.failure();
  }
}

TEST_P(PoolTest, ReturnsWhatTheJobReturned) {
  Pool pool(options());
  EXPECT_EQ(run(pool, "echo hello"), "hello");
  const JobPtr submitted = pool.submit(job("pid"));
  wait_for(pool, submitted);
  ASSERT_EQ(submitted->attempts().size(), 1u);
  EXPECT_EQ(value_of(submitted), std::to_string(submitted->attempts()[0].worker_pid));
}

TEST_P(PoolTest, RunsManyJobsEachOnce) {
  Pool pool(options());
  const std::string file = temporary_name();
  std::vector<JobSpec> specs;
  const auto completions = std::make_shared<CompletionQueue>();
  for (int i = 0; i < 3000; ++i) {
    specs.push_back(job("echo " + std::to_string(i)));
    specs.back().completions = completions;
    specs.back().tag = static_cast<std::uint64_t>(i);
  }
  pool.submit_all(std::move(specs));
  std::set<std::uint64_t> seen;
  while (seen.size() < 3000) {
    wait_for(pool, [&] { return !completions->empty(); });
    for (const JobPtr& done : completions->take_all()) {
      EXPECT_EQ(value_of(done), std::to_string(done->tag()));
      EXPECT_TRUE(seen.insert(done->tag()).second);
    }
  }
}

TEST_P(PoolTest, CarriesPayloadsOfAnySize) {
  Pool pool(options());
  for (const std::size_t size : {0u, 1u, 1000u, 262144u, 262145u, 3'000'000u, 30'000'000u}) {
    std::string text = "size ";
    text.resize(std::max(size, text.size()), 'y');
    EXPECT_EQ(run(pool, text), std::to_string(text.size()));
    EXPECT_EQ(run(pool, "big " + std::to_string(size)), std::string(size, 'x'));
  }
}

TEST_P(PoolTest, KeepsExceptionAsText) {
  Pool pool(options());
  const JobPtr submitted = pool.submit(job("raise out of cheese"));
  wait_for(pool, submitted);
  const auto& raised = std::get<Raised>(submitted->outcome());
  EXPECT_EQ(raised.type, "test.Error");
  EXPECT_EQ(raised.message, "out of cheese");
  EXPECT_EQ(raised.traceback, "a traceback");
  EXPECT_EQ(raised.value.text(), "encoded");
}

TEST_P(PoolTest, CrashCostsOneJob) {
  Pool pool(options());
  std::vector<JobPtr> others;
  for (int i = 0; i < 50; ++i) others.push_back(pool.submit(job("echo before")));
  const JobPtr segfault = pool.submit(job("crash 11"));
  const JobPtr left = pool.submit(job("exit 3"));
  for (int i = 0; i < 50; ++i) others.push_back(pool.submit(job("echo after")));
  wait_for(pool, [&] {
    return segfault->done() && left->done() &&
           std::all_of(others.begin(), others.end(), [](const JobPtr& other) { return other->done(); });
  });
  EXPECT_EQ(std::get<Signalled>(segfault->outcome()).number, SIGSEGV);
  EXPECT_EQ(std::get<Exited>(left->outcome()).code, 3);
  for (const JobPtr& other : others) EXPECT_TRUE(succeeded(other->outcome(), false)) << describe(other->outcome());
}

TEST_P(PoolTest, TimeLimitHoldsAgainstJobThatIgnoresSigterm) {
  Pool pool(options());
  const JobPtr stubborn = pool.submit(job("stubborn", {.timeout = 50ms}));
  const JobPtr hanging = pool.submit(job("hang", {.timeout = 50ms}));
  wait_for(pool, [&] { return stubborn->done() && hanging->done(); });
  for (const JobPtr& limited : {stubborn, hanging}) {
    const auto* timed_out = std::get_if<TimedOut>(&limited->outcome());
    ASSERT_NE(timed_out, nullptr) << describe(limited->outcome());
    EXPECT_EQ(timed_out->limit, Limit::kWallTime);
    EXPECT_EQ(timed_out->allowed, 50ms);
    EXPECT_FALSE(exists(limited->attempts()[0].worker_pid));
  }
  EXPECT_EQ(run(pool, "echo still here"), "still here");
}

TEST_P(PoolTest, TimeLimitTakesTheWholeTree) {
  Pool pool(options());
  const std::string file = temporary_name();
  const JobPtr family = pool.submit(job("family " + file));
  wait_for_file(file);
  pid_t grandchild = 0;
  std::ifstream(file) >> grandchild;
  ASSERT_TRUE(exists(grandchild));
  EXPECT_TRUE(pool.kill(family));
  wait_for(pool, family);
  EXPECT_TRUE(std::get<Cancelled>(family->outcome()).while_running);
  EXPECT_FALSE(exists(grandchild));
}

TEST_P(PoolTest, RetriesWhatThePolicyAllows) {
  Pool pool(options());
  const JobPtr flaky = pool.submit(job("flaky 3", {.retry = {.retries = 5}}));
  wait_for(pool, flaky);
  EXPECT_TRUE(succeeded(flaky->outcome(), false)) << describe(flaky->outcome());
  ASSERT_EQ(flaky->attempts().size(), 3u);
  EXPECT_TRUE(std::holds_alternative<Signalled>(flaky->attempts()[0].outcome));
  const JobPtr not_allowed = pool.submit(job("flaky 2"));
  wait_for(pool, not_allowed);
  EXPECT_EQ(not_allowed->attempts().size(), 1u);
}

TEST_P(PoolTest, CancelledJobNeverRuns) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const std::string counted = temporary_name();
  const JobPtr blocker = pool.submit(job("wait " + gate));
  std::vector<JobPtr> counters;
  for (int i = 0; i < 20; ++i) counters.push_back(pool.submit(job("count " + counted)));
  for (const JobPtr& counter : counters) EXPECT_TRUE(pool.cancel(counter));
  std::ofstream(gate) << "go";
  EXPECT_EQ(run(pool, "echo last"), "last");
  EXPECT_FALSE(std::filesystem::exists(counted));
  for (const JobPtr& counter : counters) EXPECT_TRUE(std::holds_alternative<Cancelled>(counter->outcome()));
}

TEST_P(PoolTest, JobsBehindALongOneGoToAnotherWorker) {
  Pool pool(options());
  for (int i = 0; i < 200; ++i) pool.submit(job("echo short"));  // so that requests are queued ahead
  wait_for(pool, [&] { return pool.stats().finished == 200; });
  const std::string gate = temporary_name();
  const JobPtr blocker = pool.submit(job("wait " + gate));
  std::vector<JobPtr> others;
  for (int i = 0; i < 100; ++i) others.push_back(pool.submit(job("echo through")));
  for (const JobPtr& other : others) wait_for(pool, other);
  EXPECT_FALSE(blocker->done());
  std::ofstream(gate) << "go";
  wait_for(pool, blocker);
}

TEST_P(PoolTest, HigherPriorityRunsFirst) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const auto completions = std::make_shared<CompletionQueue>();
  const JobPtr blocker = pool.submit(job("wait " + gate));
  for (int i = 0; i < 30; ++i) {
    JobSpec spec = job("echo x", {.priority = i % 3});
    spec.completions = completions;
    spec.tag = static_cast<std::uint64_t>(i % 3);
    pool.submit(std::move(spec));
  }
  std::ofstream(gate) << "go";
  std::vector<JobPtr> order;
  wait_for(pool, [&] {
    for (JobPtr& done : completions->take_all()) order.push_back(std::move(done));
    return order.size() == 30;
  });
  // One low job may have been in the channel already when the others came.
  std::size_t inversions = 0;
  for (std::size_t i = 1; i < order.size(); ++i) inversions += order[i]->tag() > order[i - 1]->tag();
  EXPECT_LE(inversions, 1u);
}

TEST_P(PoolTest, WhatIsSubmittedWhileAllAreBusyIsInTheQueue) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const std::string counted = temporary_name();
  const JobPtr blocker = pool.submit(job("wait " + gate));
  EXPECT_TRUE(test::eventually([&] { return pool.stats().dispatched == 1; }));
  std::vector<JobPtr> low;
  for (int i = 0; i < 6000; ++i) low.push_back(pool.submit(job("echo low")));
  const JobPtr dropped = pool.submit(job("count " + counted));
  EXPECT_EQ(pool.stats().queued, 6001u);
  EXPECT_EQ(pool.stats().submitted, 6002u);
  EXPECT_TRUE(pool.cancel(dropped));
  const JobPtr with_key = pool.submit(job("echo key", {.key = "once"}));
  const JobPtr urgent = pool.submit(job("echo urgent", {.priority = 1}));
  std::ofstream(gate) << "go";
  wait_for(pool, low.back());
  wait_for(pool, with_key);
  EXPECT_FALSE(std::filesystem::exists(counted));
  for (std::size_t i = 0; i < low.size(); ++i) {
    EXPECT_EQ(low[i]->id(), i + 2);
    const MonotonicNs before = i == 0 ? urgent->attempts()[0].started : low[i - 1]->attempts()[0].started;
    EXPECT_LE(before, low[i]->attempts()[0].started);
  }
  EXPECT_EQ(with_key->id(), low.back()->id() + 2);
}

// Nobody waits, so that nobody but the pool itself looks at what workers have done.
TEST_P(PoolTest, LastJobOfAFlowEndsByItself) {
  Pool pool(options());
  for (int round = 0; round < 50; ++round) {
    JobPtr last;
    for (int i = 0; i < 200 + 20 * round; ++i) last = pool.submit(job("echo x"));
    ASSERT_TRUE(test::eventually([&] { return last->done(); }));
    const JobPtr lone = pool.submit(job("echo x"));
    ASSERT_TRUE(test::eventually([&] { return lone->done(); }));
    ASSERT_TRUE(test::eventually([&] { return pool.stats().finished == pool.stats().submitted; }));
  }
}

TEST_P(PoolTest, WhatWasTakenWhileThePoolEndsHasAnOutcome) {
  for (const bool terminates : {false, true}) {
    Pool pool(options());
    EXPECT_EQ(run(pool, "echo up"), "up");
    std::atomic<std::uint64_t> taken{0};
    std::vector<std::vector<JobPtr>> submitted(3);
    std::vector<std::thread> threads;
    for (auto& jobs : submitted) {
      threads.emplace_back([&] {
        try {
          for (;; ++taken) jobs.push_back(pool.submit(job("echo done")));
        } catch (const ClosedError&) {
        }
      });
    }
    EXPECT_TRUE(test::eventually([&] { return taken >= 5000; }));
    terminates ? pool.terminate() : pool.close();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}), WaitResult::kReady);
    std::set<JobId> ids;
    for (const auto& jobs : submitted) {
      for (const JobPtr& each : jobs) {
        ASSERT_TRUE(each->done());
        EXPECT_TRUE(ids.insert(each->id()).second);
        EXPECT_TRUE(terminates || value_of(each) == "done");
      }
    }
    EXPECT_EQ(pool.stats().finished, taken + 1);
  }
}

TEST_P(PoolTest, WhatIsSubmittedTogetherIsTakenTogether) {
  constexpr std::uint64_t kTogether = 50;
  for (int round = 0; round < 20; ++round) {
    Pool pool(options());
    EXPECT_EQ(run(pool, "echo up"), "up");
    std::atomic<std::uint64_t> taken{1};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        try {
          for (;; taken += kTogether) {
            std::vector<JobSpec> specs;
            for (std::uint64_t i = 0; i < kTogether; ++i) specs.push_back(job("echo x"));
            pool.submit_all(std::move(specs));
          }
        } catch (const ClosedError&) {
        }
      });
    }
    EXPECT_TRUE(test::eventually([&] { return taken >= 2000; }));
    pool.close();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(pool.stats().submitted, taken);
  }
}

/// Something ends every worker, or the thread that leads leaves, while jobs wait that nobody else has seen.
class WhatWaitsOutsideTest : public PoolTest {
 protected:
  void fill(Pool& pool) {
    ASSERT_EQ(run(pool, "echo up"), "up");
    blocker_ = pool.submit(job("wait " + gate_));
    ASSERT_TRUE(test::eventually([&] { return pool.stats().dispatched == 1; }));
    for (int i = 0; i < 300; ++i) jobs_.push_back(pool.submit(job("echo x")));
    ASSERT_EQ(pool.stats().queued + pool.stats().dispatched, 301u);
  }
  void open_gate() { std::ofstream(gate_) << "go"; }
  /// Not before: the worker could go on to the next job and take that along. It had not begun the blocker, perhaps:
  /// then that runs again.
  void open_gate_when_lost(Pool& pool) {
    ASSERT_TRUE(test::eventually([&] { return pool.stats().workers_lost == 1; }));
    open_gate();
  }
  void expect_all_done() {
    const auto done = [](const JobPtr& job) { return job->done(); };
    ASSERT_TRUE(test::eventually([&] { return std::ranges::all_of(jobs_, done); }));
    for (const JobPtr& each : jobs_) EXPECT_EQ(value_of(each), "x");
  }

  const std::string gate_ = temporary_name();
  JobPtr blocker_;
  std::vector<JobPtr> jobs_;
};

INSTANTIATE_TEST_SUITE_P(EveryStart, WhatWaitsOutsideTest,
                         testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn), kind_name);

TEST_P(WhatWaitsOutsideTest, IsSeenWhenTheWorkerIsKilled) {
  Pool pool(options(1));
  fill(pool);
  ::kill(static_cast<pid_t>(pool.workers().at(0).pid), SIGKILL);
  open_gate_when_lost(pool);
  expect_all_done();
}

TEST_P(WhatWaitsOutsideTest, IsSeenWhenTheRunningJobIsKilled) {
  Pool pool(options(1));
  fill(pool);
  EXPECT_TRUE(pool.kill(blocker_));
  expect_all_done();
}

TEST_P(WhatWaitsOutsideTest, IsSeenWhenWhoLeadsLeavesByAnException) {
  Pool pool(options(1));
  std::atomic<bool> over{false};
  std::atomic<int> asked{0};
  std::thread leader([&] {
    const auto ready = [&] {
      ++asked;
      if (over) throw std::runtime_error("no more");
      return false;
    };
    EXPECT_THROW(pool.wait(ready), std::runtime_error);
  });
  EXPECT_TRUE(test::eventually([&] { return asked >= 2; }));  // it leads
  fill(pool);
  over = true;
  open_gate();
  leader.join();
  expect_all_done();
}

TEST_P(WhatWaitsOutsideTest, IsSeenWhenTheLauncherIsKilled) {
  if (GetParam() == StartKind::kFork) return;  // such a pool ends with its launcher
  Pool pool(options(1));
  fill(pool);
  ::kill(static_cast<pid_t>(pool.stats().launcher_pid), SIGKILL);
  open_gate_when_lost(pool);
  expect_all_done();
}

TEST_P(PoolTest, WhatWaitsBehindALongJobGoesBackToTheQueue) {
  Pool pool(options(1));
  JobPtr last;
  for (int i = 0; i < 300; ++i) last = pool.submit(job("echo x"));  // they are short: many are given ahead
  wait_for(pool, last);
  const std::string gate = temporary_name();
  last = pool.submit(job("wait " + gate));
  for (int i = 0; i < 20; ++i) last = pool.submit(job("echo low"));
  EXPECT_TRUE(test::eventually([&] { return pool.stats().queued == 20; }));
  const JobPtr urgent = pool.submit(job("echo urgent", {.priority = 1}));
  std::ofstream(gate) << "go";
  wait_for(pool, last);
  EXPECT_LE(urgent->finished(), last->finished());
}

TEST_P(PoolTest, SameKeyIsOneJob) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const JobPtr first = pool.submit(job("wait " + gate, {.key = "k"}));
  EXPECT_EQ(pool.submit(job("echo other", {.key = "k"})), first);
  std::ofstream(gate) << "go";
  wait_for(pool, first);
  EXPECT_EQ(run(pool, "echo again", {.key = "k"}), "again");
}

TEST_P(PoolTest, DefinitionsArriveOncePerWorkerBeforeTheJob) {
  Pool pool(options());
  const DefinitionPtr definition = pool.define(Payload::copy_of("a definition"));
  const Needs needs = std::make_shared<const std::vector<DefinitionPtr>>(1, definition);
  for (int i = 0; i < 20; ++i) {
    JobSpec spec = job("defined " + std::to_string(definition->id()));
    spec.needs = needs;
    const JobPtr submitted = pool.submit(std::move(spec));
    wait_for(pool, submitted);
    EXPECT_EQ(value_of(submitted), "a definition");
  }
}

TEST_P(PoolTest, DefinitionsThatNobodyHasAreForgotten) {
  Pool pool(options(1));
  DefinitionPtr definition = pool.define(Payload::copy_of("a definition"));
  const std::string question = "defined " + std::to_string(definition->id());
  JobSpec spec = job(question);
  spec.needs = std::make_shared<const std::vector<DefinitionPtr>>(1, definition);
  const JobPtr submitted = pool.submit(std::move(spec));
  definition.reset();  // the job has it
  wait_for(pool, submitted);
  EXPECT_EQ(value_of(submitted), "a definition");
  while (run(pool, question) != "") std::this_thread::yield();
}

TEST_P(PoolTest, DefinitionsOutliveTheirPool) {
  DefinitionPtr definition;
  {
    Pool pool(options(1));
    definition = pool.define(Payload::copy_of("a definition"));
    Pool other(options(1));
    JobSpec spec = job("echo it");
    spec.needs = std::make_shared<const std::vector<DefinitionPtr>>(1, definition);
    EXPECT_THROW(other.submit(std::move(spec)), UsageError);
  }
  EXPECT_EQ(definition->payload().text(), "a definition");
}

TEST_P(PoolTest, InitializerAndFinalizerRunInEachWorker) {
  PoolOptions chosen = options();
  chosen.initializer = Payload::copy_of("hello");
  chosen.finalizer = Payload::copy_of("bye");
  Pool pool(chosen);
  EXPECT_EQ(run(pool, "initialized"), "hello");
  pool.close();
  EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}), WaitResult::kReady);
  const std::vector<Outcome> outcomes = pool.finalizer_outcomes();
  ASSERT_GE(outcomes.size(), 1u);
  for (const Outcome& outcome : outcomes) EXPECT_EQ(std::get<Returned>(outcome).value.text().substr(0, 4), "bye ");
}

TEST_P(PoolTest, FailingInitializerFailsThePool) {
  for (const char* how : {"raise", "crash"}) {
    PoolOptions chosen = options();
    chosen.initializer = Payload::copy_of(how);
    Pool pool(chosen);
    JobPtr submitted;
    try {
      submitted = pool.submit(job("echo never"));
    } catch (const PoolError&) {
      continue;  // it had failed already
    }
    wait_for(pool, submitted);
    EXPECT_TRUE(std::holds_alternative<Lost>(submitted->outcome())) << describe(submitted->outcome());
    EXPECT_NE(pool.failure().find("initializer"), std::string::npos) << pool.failure();
    EXPECT_THROW(pool.submit(job("echo never")), PoolError);
  }
}

TEST_P(PoolTest, WorkersAreRecycled) {
  PoolOptions chosen = options(1);
  chosen.max_jobs_per_worker = 3;
  Pool pool(chosen);
  std::multiset<std::string> pids;
  for (int i = 0; i < 9; ++i) pids.insert(run(pool, "pid"));
  for (const std::string& pid : pids) EXPECT_EQ(pids.count(pid), 3u);
}

/// Of those that run jobs, or could.
std::size_t serving(const Pool& pool) {
  const std::vector<WorkerInfo> workers = pool.workers();
  return static_cast<std::size_t>(
      std::count_if(workers.begin(), workers.end(), [](const auto& each) { return each.state != "ending"; }));
}

TEST_P(PoolTest, GrowsWhileJobsRun) {
  Pool pool(options(1));
  const std::string gate = temporary_name();
  const JobPtr first = pool.submit(job("wait " + gate));
  const JobPtr second = pool.submit(job("echo meanwhile"));
  pool.resize(2);
  wait_for(pool, second);
  EXPECT_FALSE(first->done());
  EXPECT_EQ(serving(pool), 2u);
  std::ofstream(gate) << "go";
  wait_for(pool, first);
}

TEST_P(PoolTest, ShrinksWhenRunningJobsHaveEnded) {
  Pool pool(options(3));
  std::vector<std::string> gates;
  std::vector<JobPtr> running;
  for (int i = 0; i < 3; ++i) {
    gates.push_back(temporary_name());
    running.push_back(pool.submit(job("arrive " + gates.back())));
    wait_for_file(gates.back() + ".here");
  }
  pool.resize(1);
  EXPECT_EQ(serving(pool), 3u) << "they work";
  std::vector<JobPtr> later;
  for (int i = 0; i < 10; ++i) later.push_back(pool.submit(job("pid")));
  for (int i = 0; i < 2; ++i) {
    std::ofstream(gates[i]) << "go";
    wait_for(pool, running[i]);
  }
  EXPECT_TRUE(test::eventually([&] { return serving(pool) == 1; }));
  const auto done = [](const JobPtr& each) { return each->done(); };
  EXPECT_TRUE(std::none_of(later.begin(), later.end(), done)) << "the one worker that stays runs another job";
  std::ofstream(gates.back()) << "go";
  std::set<std::string> pids;
  for (const JobPtr& each : later) {
    wait_for(pool, each);
    pids.insert(value_of(each));
  }
  for (const JobPtr& each : running) wait_for(pool, each);
  EXPECT_EQ(pids.size(), 1u);
  EXPECT_TRUE(test::eventually([&] { return pool.workers().size() == 1; }));
  EXPECT_EQ(pool.stats().workers_lost, 0u);
}

TEST_P(PoolTest, WithoutWorkersJobsWait) {
  Pool pool(options(2));
  EXPECT_EQ(run(pool, "echo up"), "up");
  pool.resize(0);
  EXPECT_TRUE(test::eventually([&] { return pool.workers().empty(); }));
  const JobPtr waiting = pool.submit(job("echo later"));
  EXPECT_EQ(pool.wait([&] { return waiting->done(); }, {.deadline = os::monotonic_now() + 50'000'000}),
            WaitResult::kTimedOut);
  pool.resize(1);
  wait_for(pool, waiting);
  EXPECT_EQ(value_of(waiting), "later");
  pool.resize(0);
  pool.close();  // ends all the same
  EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000}), WaitResult::kReady);
}

TEST_P(PoolTest, GivesBackWhatALeavingWorkerHasNotBegun) {
  Pool pool(options(2));
  JobPtr last;
  for (int i = 0; i < 300; ++i) last = pool.submit(job("echo x"));  // they are short: many are given ahead
  wait_for(pool, last);
  const std::string gate = temporary_name();
  std::vector<JobPtr> gated = {pool.submit(job("wait " + gate)), pool.submit(job("wait " + gate))};
  for (int i = 0; i < 20; ++i) last = pool.submit(job("echo x"));
  for (int workers = 2; workers-- > 0;) pool.resize(workers);
  for (const int workers : {2, 1, 2}) pool.resize(workers);
  std::ofstream(gate) << "go";
  wait_for(pool, last);
  for (const JobPtr& each : gated) wait_for(pool, each);
  EXPECT_EQ(pool.stats().workers_lost, 0u);
}

TEST_P(PoolTest, ANumberOfWorkersThatCannotBeIsRefused) {
  PoolOptions chosen = options(2);
  chosen.min_workers = 1;
  Pool pool(chosen);
  EXPECT_THROW(pool.resize(-1), UsageError);
  EXPECT_THROW(pool.resize(0), UsageError);
  pool.resize(1);
}

TEST_P(PoolTest, FreshJobHasAWorkerOfItsOwn) {
  Pool pool(options());
  std::set<std::string> pids;
  for (int i = 0; i < 6; ++i) {
    const JobPtr fresh = pool.submit(job("pid", {.fresh = true}));
    wait_for(pool, fresh);
    EXPECT_TRUE(pids.insert(value_of(fresh)).second);
    EXPECT_FALSE(exists(std::stoi(value_of(fresh))));
    EXPECT_EQ(run(pool, "echo between"), "between");
  }
}

TEST_P(PoolTest, ForkedCopyOfAJobCannotAnswer) {
  Pool pool(options(1));
  EXPECT_EQ(run(pool, "fork"), "once");
  EXPECT_EQ(run(pool, "echo next"), "next");
}

TEST_P(PoolTest, KilledIdleWorkersAreReplaced) {
  Pool pool(options());
  EXPECT_EQ(run(pool, "echo up"), "up");
  for (int round = 0; round < 10; ++round) {
    const int victim = std::stoi(run(pool, "pid"));
    ::kill(victim, SIGKILL);
    std::vector<JobPtr> submitted;
    for (int i = 0; i < 20; ++i) submitted.push_back(pool.submit(job("echo on", {.retry = {.retries = 1}})));
    for (const JobPtr& each : submitted) {
      wait_for(pool, each);
      EXPECT_EQ(value_of(each), "on");
    }
  }
}

TEST_P(PoolTest, ClosedPoolFinishesItsJobsAndTakesNoMore) {
  Pool pool(options());
  std::vector<JobPtr> submitted;
  for (int i = 0; i < 100; ++i) submitted.push_back(pool.submit(job("echo done")));
  pool.close();
  EXPECT_THROW(pool.submit(job("echo late")), ClosedError);
  EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}), WaitResult::kReady);
  for (const JobPtr& each : submitted) EXPECT_EQ(value_of(each), "done");
  EXPECT_TRUE(pool.workers().empty());
}

TEST_P(PoolTest, TerminateEndsEverythingAtOnce) {
  Pool pool(options());
  EXPECT_EQ(run(pool, "echo up"), "up");
  std::vector<JobPtr> submitted;
  for (int i = 0; i < 20; ++i) submitted.push_back(pool.submit(job("stubborn")));
  pool.terminate();
  EXPECT_EQ(pool.join({.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}), WaitResult::kReady);
  for (const JobPtr& each : submitted)
    EXPECT_TRUE(std::holds_alternative<Cancelled>(each->outcome())) << describe(each->outcome());
}

TEST_P(PoolTest, ManyThreadsSubmitAndWait) {
  Pool pool(options());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const std::string word = std::to_string(t) + "." + std::to_string(i);
        const JobPtr submitted = pool.submit(job("echo " + word));
        const MonotonicNs deadline = os::monotonic_now() + 30'000'000'000;
        pool.wait([&] { return submitted->done(); }, {.deadline = deadline, .signals = nullptr});
        good += submitted->done() && value_of(submitted) == word;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 1200);
}

TEST_P(PoolTest, WatcherIsToldOfWatchedJobsOnly) {
  Pool pool(options());
  std::atomic<int> told{0};
  pool.set_watcher([&](std::span<const JobPtr> done) { told += static_cast<int>(done.size()); });
  const std::string gate = temporary_name();
  const JobPtr watched = pool.submit(job("wait " + gate));
  const JobPtr other = pool.submit(job("echo unwatched"));
  EXPECT_TRUE(pool.watch(watched));
  std::ofstream(gate) << "go";
  wait_for(pool, other);
  EXPECT_TRUE(test::eventually([&] { return told == 1; }));  // the watcher is told after those who wait
  EXPECT_FALSE(pool.watch(watched));
}

TEST_P(PoolTest, WaitEndsAtItsDeadline) {
  Pool pool(options(1));
  const JobPtr hanging = pool.submit(job("hang"));
  const MonotonicNs deadline = os::monotonic_now() + 20'000'000;
  EXPECT_EQ(pool.wait([&] { return hanging->done(); }, {.deadline = deadline, .signals = nullptr}),
            WaitResult::kTimedOut);
}

TEST_P(PoolTest, ForkedChildOfTheProgramCannotUseThePool) {
  Pool pool(options());
  const pid_t child = ::fork();
  if (child == 0) {
    int verdict = 1;
    try {
      pool.submit(job("echo stolen"));
    } catch (const UsageError&) {
      verdict = 0;
    }
    ::_exit(verdict);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(run(pool, "echo mine"), "mine");
}

}  // namespace
}  // namespace prong
