// prong::run and prong::call: one command, one function, nothing left behind.
#include "prong/run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <latch>
#include <thread>

#include "cpp/samples.h"
#include "support/temporary.h"

namespace prong {
namespace {

using namespace std::chrono_literals;

int number_in(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

TEST(RunTest, CapturesOutputAndStatus) {
  const CommandResult result = run({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.output.text(), "out\n");
  EXPECT_EQ(result.error_output.text(), "err\n");
  EXPECT_EQ(std::get<Exited>(result.outcome).code, 3);
  EXPECT_FALSE(result.succeeded());
  EXPECT_TRUE(run({"true"}).succeeded());
}

TEST(RunTest, GivesInputDirectoryAndEnvironment) {
  EXPECT_EQ(run(Command{.arguments = {"cat"}, .input = "typed"}).output.text(), "typed");
  EXPECT_EQ(run(Command{.arguments = {"pwd"}, .directory = "/"}).output.text(), "/\n");
  const Command command{.arguments = {"/bin/sh", "-c", "echo $COLOUR"},
                        .environment = std::vector<std::string>{"COLOUR=red"}};
  EXPECT_EQ(run(command).output.text(), "red\n");
}

TEST(RunTest, MissingProgramIsAnOutcome) {
  const CommandResult result = run({"/no/such/program"});
  EXPECT_FALSE(result.succeeded());
  EXPECT_NE(describe(result.outcome).find("/no/such/program"), std::string::npos) << describe(result.outcome);
}

TEST(RunTest, LimitKillsTheWholeTree) {
  const CommandResult result = run({"sh", "-c", "sleep 1000 & echo $!; wait"}, {.timeout = 200ms});
  EXPECT_TRUE(std::holds_alternative<TimedOut>(result.outcome)) << describe(result.outcome);
  const int sleeper = number_in(result.output.text());
  ASSERT_GT(sleeper, 0);
  EXPECT_FALSE(samples::is_alive(sleeper));
}

TEST(RunTest, ReturnsWhenTheWholeTreeIsGone) {
  const CommandResult result = run({"sh", "-c", "setsid sleep 1000 & echo $!"});
  const int sleeper = number_in(result.output.text());
  ASSERT_GT(sleeper, 0);
  EXPECT_FALSE(samples::is_alive(sleeper)) << describe(result.outcome);
}

TEST(RunTest, ManyAtOnceDoNotWaitForOneAnother) {
  // Each waits for the other's file: they must run at the same time, however few CPUs there are.
  const std::string base = test::temporary_name() + "-";
  const auto meet = [&](const std::string& mine, const std::string& other) {
    return run({"sh", "-c", "touch " + base + mine + "; until [ -e " + base + other + " ]; do sleep 0.01; done"},
               {.timeout = 30s})
        .succeeded();
  };
  constexpr int kPairs = 4;
  std::atomic<int> met = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * kPairs; ++i)
    threads.emplace_back([&, i] { met += meet(std::to_string(i), std::to_string(i ^ 1)); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(met, 2 * kPairs);
}

TEST(RunTest, PoolOfCommands) {
  Pool pool({.workers = 2, .start = StartKind::kCommand});
  Future<CommandResult> good = pool.submit(Command{.arguments = {"echo", "one"}});
  Future<CommandResult> bad = pool.options({.retry = {.retries = 1}}).submit(Command{.arguments = {"false"}});
  EXPECT_EQ(good.get().output.text(), "one\n");
  EXPECT_TRUE(good.succeeded());
  EXPECT_EQ(bad.get().attempts, 2);
  EXPECT_FALSE(bad.succeeded());
  EXPECT_THROW(pool.submit([] { return 1; }), UsageError);
}

TEST(CallTest, ReturnsOrThrows) {
  EXPECT_EQ(call(samples::square, 12), 144);
  call(samples::nothing);
  EXPECT_THROW(call([]() -> int { throw std::runtime_error("x"); }), JobRaised);
  EXPECT_THROW(call([] { std::raise(SIGUSR1); }), JobSignalled);
  EXPECT_EQ(call([] { return "still here"; }), "still here");
}

TEST(CallTest, EachHasAProcessOfItsOwn) {
  const int first = call(samples::process_id);
  EXPECT_NE(first, call(samples::process_id));
  EXPECT_FALSE(samples::is_alive(first));
}

TEST(CallTest, LimitIsMet) {
  EXPECT_THROW(call({.timeout = 50ms},
                    [] {
                      for (;;) ::pause();
                    }),
               JobTimedOut);
}

TEST(CallTest, ReturnsWhenTheWholeTreeIsGone) {
  const int child = call([] {
    const int pid = ::fork();
    if (pid == 0) {
      ::setsid();
      for (;;) ::pause();
    }
    return pid;
  });
  ASSERT_GT(child, 0);
  EXPECT_FALSE(samples::is_alive(child));
}

}  // namespace
}  // namespace prong
