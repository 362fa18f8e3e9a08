#include "prong/options.h"

#include <gtest/gtest.h>

#include <cmath>

#include "prong/error.h"

namespace prong {
namespace {

using namespace std::chrono_literals;

template <typename Options>
std::string complaint(const Options& options) {
  try {
    check(options);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

PoolOptions command_pool() {
  return {.start = StartKind::kCommand};
}

TEST(OptionsTest, DefaultsAreFine) {
  EXPECT_EQ(complaint(JobOptions{}), "");
  EXPECT_EQ(complaint(command_pool()), "");
}

TEST(OptionsTest, NegativeTimeoutIsRefused) {
  EXPECT_EQ(complaint(JobOptions{.timeout = -1s}), "timeout is -1 s; it must be positive, or 0 for none");
}

TEST(OptionsTest, EachFieldOfTheRetryPolicyIsChecked) {
  EXPECT_EQ(complaint(JobOptions{.retry = {.retries = -1}}), "retries is -1; it must be positive, or 0 for none");
  EXPECT_NE(complaint(JobOptions{.retry = {.backoff = -1ms}}), "");
  EXPECT_NE(complaint(JobOptions{.retry = {.max_backoff = -1ms}}), "");
  EXPECT_NE(complaint(JobOptions{.retry = {.jitter = 1.5}}), "");
  EXPECT_NE(complaint(JobOptions{.retry = {.jitter = -0.1}}), "");
  EXPECT_NE(complaint(JobOptions{.retry = {.jitter = std::nan("")}}), "");
}

TEST(OptionsTest, NegativeNumbersOfAPoolAreRefused) {
  PoolOptions options = command_pool();
  options.workers = -2;
  EXPECT_EQ(complaint(options), "workers is -2; it must be positive, or 0 for one per usable CPU");
  options = command_pool();
  options.max_jobs_per_worker = -1;
  EXPECT_NE(complaint(options), "");
  options = command_pool();
  options.grace = -1ns;
  EXPECT_NE(complaint(options), "");
  options = command_pool();
  options.initializer_timeout = -1s;
  EXPECT_NE(complaint(options), "");
  options = command_pool();
  options.finalizer_timeout = -1s;
  EXPECT_NE(complaint(options), "");
}

TEST(OptionsTest, SignalsThatEndAWorkerBeforeItsCommandAreRefused) {
  PoolOptions options = command_pool();
  options.stop_signals = {{SIGINT, 1s}, {SIGTERM, 0s}, {SIGKILL, 1s}};
  EXPECT_EQ(complaint(options), "");
  for (const int signal : {0, SIGABRT, SIGSTOP, 65}) {
    options.stop_signals = {{signal, 1s}};
    EXPECT_NE(complaint(options), "") << signal;
  }
  options.stop_signals = {{SIGTERM, -1s}};
  EXPECT_NE(complaint(options), "");
  options.stop_signals.assign(kMostStopSignals + 1, {SIGTERM, 1s});
  EXPECT_EQ(complaint(options), "stop_signals has 9 signals; at most 8 are sent");
}

TEST(OptionsTest, DescriptorsAreForCommands) {
  PoolOptions options = command_pool();
  options.descriptors = {3, 10};
  EXPECT_EQ(complaint(options), "");
  options.start = StartKind::kFork;
  options.fork_template = [](int) {};
  EXPECT_NE(complaint(options), "");
  options = command_pool();
  options.descriptors = {2};
  EXPECT_EQ(complaint(options), "descriptors has 2; it must be 3 or more");
}

TEST(OptionsTest, NicenessHasARange) {
  PoolOptions options = command_pool();
  options.niceness = 19;
  EXPECT_EQ(complaint(options), "");
  for (const int niceness : {-1, 20}) {
    options.niceness = niceness;
    EXPECT_NE(complaint(options), "");
  }
}

TEST(OptionsTest, ProgramIsNeededWhereItIsExecuted) {
  for (const StartKind kind : {StartKind::kFresh, StartKind::kSpawn}) {
    PoolOptions options{.start = kind};
    EXPECT_NE(complaint(options), "");
    options.program.arguments = {"/bin/true"};
    EXPECT_EQ(complaint(options), "");
    options.program.environment = {"NAME", "OTHER=1", "EMPTY="};
    EXPECT_EQ(complaint(options), "");
    options.program.environment = {"=1"};
    EXPECT_NE(complaint(options), "");
  }
}

TEST(OptionsTest, ForkNeedsATemplate) {
  PoolOptions options{.start = StartKind::kFork};
  EXPECT_NE(complaint(options), "");
  options.fork_template = [](int) {};
  EXPECT_EQ(complaint(options), "");
}

}  // namespace
}  // namespace prong
