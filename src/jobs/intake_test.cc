#include "jobs/intake.h"

#include <gtest/gtest.h>

#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace prong::jobs {
namespace {

using namespace std::chrono_literals;

constexpr MonotonicNs kNow = 1000;

JobSpec with(JobOptions options) {
  return {.options = std::make_shared<JobOptions>(std::move(options))};
}

JobPtr add(Intake& intake) {
  JobSpec spec;
  return intake.try_add(spec, kNow);
}

std::vector<JobPtr> take(Intake& intake) {
  std::vector<JobPtr> taken;
  intake.take([&](JobPtr&& job) { taken.push_back(std::move(job)); });
  return taken;
}

TEST(IntakeTest, ClosedOneTakesNothingAndLeavesTheJobAsItWas) {
  Intake intake;
  JobSpec spec{.payload = Payload::copy_of(std::string_view("kept")), .tag = 7};
  EXPECT_EQ(intake.try_add(spec, kNow), nullptr);
  EXPECT_EQ(spec.payload.text(), "kept");
  EXPECT_EQ(spec.tag, 7u);
}

TEST(IntakeTest, JobsHaveTheNextIdsInOrder) {
  Intake intake;
  intake.open(5);
  const JobPtr first = add(intake);
  const JobPtr second = add(intake);
  EXPECT_EQ(first->id(), 5u);
  EXPECT_EQ(second->id(), 6u);
  EXPECT_EQ(first->submitted(), kNow);
  EXPECT_EQ(take(intake), (std::vector{first, second}));
  EXPECT_EQ(add(intake)->id(), 7u);
}

TEST(IntakeTest, DoesNotCloseOverJobs) {
  Intake intake;
  intake.open(1);
  add(intake);
  EXPECT_FALSE(intake.close_if_empty());
  EXPECT_TRUE(intake.is_open());
  EXPECT_EQ(take(intake).size(), 1u);
  EXPECT_TRUE(intake.close_if_empty());
  EXPECT_EQ(add(intake), nullptr);
}

TEST(IntakeTest, FullOneTakesNoMoreUntilItIsEmptied) {
  Intake intake;
  intake.open(1);
  for (std::size_t i = 0; i < Intake::kMost; ++i) ASSERT_NE(add(intake), nullptr);
  const auto needs = std::make_shared<const std::vector<DefinitionPtr>>();
  const auto options = std::make_shared<const JobOptions>();
  const auto completions = std::make_shared<CompletionQueue>();
  JobSpec spec{.payload = Payload::copy_of(std::string_view("kept")),
               .needs = needs,
               .options = options,
               .completions = completions,
               .tag = 7};
  EXPECT_EQ(intake.try_add(spec, kNow), nullptr);
  EXPECT_EQ(spec.payload.text(), "kept");
  EXPECT_EQ(spec.needs, needs);
  EXPECT_EQ(spec.options, options);
  EXPECT_EQ(spec.completions, completions);
  EXPECT_EQ(spec.tag, 7u);
  EXPECT_EQ(spec.items, 0u);
  EXPECT_EQ(intake.size(), Intake::kMost);
  take(intake);
  EXPECT_EQ(add(intake)->id(), Intake::kMost + 1);
}

TEST(IntakeTest, ManyAreAddedTogetherOrNotAtAll) {
  Intake intake;
  std::vector<JobSpec> specs(3);
  for (std::uint64_t i = 0; i < specs.size(); ++i) specs[i].tag = i + 1;
  EXPECT_TRUE(intake.try_add_all(specs, kNow).empty());
  intake.open(5);
  for (std::size_t i = 0; i < Intake::kMost - 2; ++i) ASSERT_NE(add(intake), nullptr);
  EXPECT_TRUE(intake.try_add_all(specs, kNow).empty());
  EXPECT_EQ(intake.size(), Intake::kMost - 2);
  EXPECT_EQ(specs[2].tag, 3u);
  take(intake);
  const std::vector<JobPtr> added = intake.try_add_all(specs, kNow);
  ASSERT_EQ(added.size(), 3u);
  EXPECT_EQ(added[2]->id(), added[0]->id() + 2);
  EXPECT_EQ(added[2]->tag(), 3u);
  EXPECT_EQ(take(intake), added);
}

TEST(IntakeTest, WhatCouldNotBeAdmittedIsNotLost) {
  Intake intake;
  intake.open(1);
  std::vector<JobPtr> jobs;
  for (int i = 0; i < 3; ++i) jobs.push_back(add(intake));
  std::vector<JobPtr> admitted;
  const auto refuse_second = [&](JobPtr&& job) {
    if (job->id() == 2) throw std::bad_alloc();
    admitted.push_back(std::move(job));
  };
  EXPECT_THROW(intake.take(refuse_second), std::bad_alloc);
  EXPECT_TRUE(intake.has_left());
  EXPECT_FALSE(intake.close_if_empty());
  jobs.push_back(add(intake));
  for (JobPtr& job : take(intake)) admitted.push_back(std::move(job));
  EXPECT_EQ(admitted, jobs);
  EXPECT_FALSE(intake.has_left());
  EXPECT_TRUE(intake.close_if_empty());
}

TEST(IntakeTest, WhatNeedsSomethingArrangedIsNotPlain) {
  EXPECT_TRUE(is_plain({}));
  EXPECT_TRUE(is_plain(with({.timeout = 1s, .priority = 3})));
  EXPECT_FALSE(is_plain({.items = 2}));
  EXPECT_FALSE(is_plain(with({.key = "one"})));
  EXPECT_FALSE(is_plain(with({.queue_time = 1s})));
  EXPECT_FALSE(is_plain(with({.fresh = true})));
  EXPECT_FALSE(is_plain(with({.leftovers = Leftovers::kKill})));
  EXPECT_FALSE(is_plain(with({.cpu_time = 1s})));
  EXPECT_FALSE(is_plain(with({.memory = 1})));
  EXPECT_FALSE(is_plain(with({.output = 1})));
}

// The owner closes whenever it finds nothing, and opens again with the id after the last job it has seen: any job left
// behind would show as an id that is missing or that comes twice.
TEST(IntakeTest, NothingIsLeftBehindWhenItCloses) {
  constexpr int kThreads = 3;
  constexpr int kJobs = 20'000;
  Intake intake;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kJobs;) i += add(intake) ? 1 : 0;
    });
  }
  JobId last = 0;
  while (last < JobId{kThreads} * kJobs) {
    intake.open(last + 1);
    do {
      for (const JobPtr& job : take(intake)) ASSERT_EQ(job->id(), ++last);
    } while (!intake.close_if_empty());
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace prong::jobs
