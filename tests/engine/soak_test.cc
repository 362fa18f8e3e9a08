// Random kills of workers and launchers under a mixed load; the account must balance to the last job. Seeded.
// PRONG_SOAK_S: seconds for each kind of start; by default a few, in CI many.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "engine/text_runner.h"
#include "os/clock.h"
#include "prong/pool.h"
#include "support/temporary.h"

namespace prong {
namespace {

using namespace std::chrono_literals;

class SoakTest : public testing::TestWithParam<StartKind> {};

std::string name_of(const testing::TestParamInfo<StartKind>& kind) {
  constexpr std::array kKinds = {"fresh", "fork", "spawn"};
  return kKinds[static_cast<std::size_t>(kind.param)];
}

INSTANTIATE_TEST_SUITE_P(EveryStart, SoakTest, testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn),
                         name_of);

std::size_t lines_in(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::size_t count = 0;
  while (std::getline(in, line)) ++count;
  return count;
}

TEST_P(SoakTest, AccountBalancesUnderRandomKills) {
  const char* longer = std::getenv("PRONG_SOAK_S");
  const std::int64_t seconds = longer != nullptr ? std::atoll(longer) : 2;
  std::mt19937 random(20240607);
  const std::string counted = test::temporary_name();
  std::map<std::string, std::size_t> outcomes;
  std::size_t counters = 0;
  std::size_t counters_returned = 0;
  std::size_t kills = 0;
  std::size_t launcher_kills = 0;
  Pool pool(test::text_pool(GetParam(), 3));
  const auto completions = std::make_shared<CompletionQueue>();
  std::size_t submitted = 0;
  std::size_t finished = 0;
  const MonotonicNs end = os::monotonic_now() + seconds * 1'000'000'000;
  const auto submit = [&](const std::string& text, JobOptions options) {
    JobSpec spec;
    spec.payload = Payload::copy_of(text);
    spec.options = std::make_shared<JobOptions>(std::move(options));
    spec.completions = completions;
    spec.tag = text.starts_with("count") ? 1 : 0;
    pool.submit(std::move(spec));
    ++submitted;
  };
  const auto take = [&] {
    for (const JobPtr& done : completions->take_all()) {
      ++finished;
      ++outcomes[std::string(outcome_name(done->outcome()))];
      counters_returned += done->tag() == 1 && std::holds_alternative<Returned>(done->outcome());
      const auto* lost = std::get_if<Lost>(&done->outcome());
      ASSERT_TRUE(lost == nullptr || lost->reason == LostReason::kLauncherLost) << describe(done->outcome());
    }
  };
  while (os::monotonic_now() < end) {
    for (int i = 0; i < 100; ++i) {
      const auto kind = random() % 100;
      if (kind < 50) submit("echo short", {});
      if (kind >= 50 && kind < 80) {
        submit("count " + counted, {});
        ++counters;
      }
      if (kind >= 80 && kind < 85) submit("big 400000", {});
      if (kind >= 85 && kind < 88) submit("crash 11", {});
      if (kind == 88) submit("exit 3", {.retry = {.retries = 1}});
      if (kind >= 90 && kind < 92) submit("hang", {.timeout = 10ms});
      if (kind == 89) submit("burn", {.cpu_time = 10ms});
      if (kind >= 92 && kind < 94) submit("pid", {.fresh = true});
      if (kind >= 94) submit("raise no", {.priority = 1});
    }
    const std::vector<WorkerInfo> workers = pool.workers();
    if (!workers.empty()) {
      const WorkerInfo& victim = workers[random() % workers.size()];
      if (victim.pid > 0 && victim.state != "ending") {
        ::kill(victim.pid, SIGKILL);
        ++kills;
      }
    }
    // A pool of kind fork cannot have its template again.
    if (GetParam() != StartKind::kFork && random() % 20 == 0) {
      const auto launcher = static_cast<pid_t>(pool.stats().launcher_pid);
      if (launcher > 0 && ::kill(launcher, SIGKILL) == 0) ++launcher_kills;
    }
    take();
    while (submitted - finished > 2000) {
      ASSERT_EQ(pool.wait([&] { return !completions->empty(); },
                          {.deadline = os::monotonic_now() + 30'000'000'000, .signals = nullptr}),
                WaitResult::kReady);
      take();
    }
  }
  pool.close();
  ASSERT_EQ(pool.join({.deadline = os::monotonic_now() + 50'000'000'000, .signals = nullptr}), WaitResult::kReady);
  take();
  EXPECT_EQ(finished, submitted);
  // At most once: never more lines than jobs; never lost: each that returned has written its line.
  EXPECT_LE(lines_in(counted), counters);
  EXPECT_GE(lines_in(counted), counters_returned);
  EXPECT_GT(kills, 0u);
  RecordProperty("jobs", static_cast<int>(submitted));
  RecordProperty("kills", static_cast<int>(kills));
  RecordProperty("launcher_kills", static_cast<int>(launcher_kills));
  for (const auto& [name, count] : outcomes) RecordProperty(name, static_cast<int>(count));
}

}  // namespace
}  // namespace prong
