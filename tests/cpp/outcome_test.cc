// What comes of jobs that do not return.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cpp/samples.h"
#include "cpp/shared_pool.h"
#include "support/temporary.h"

namespace prong {
namespace {

using namespace std::chrono_literals;

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void sleep_for_ever() {
  for (;;) ::pause();
}

/// Fails the test if the job does not end with an exception of type Failure.
template <typename Failure, typename Result>
Failure failure_of(const Future<Result>& future) {
  try {
    future.get();
  } catch (const Failure& failure) {
    return failure;
  } catch (const std::exception& other) {
    ADD_FAILURE() << "not the expected failure: " << other.what();
  }
  throw std::logic_error("no " + std::string(typeid(Failure).name()));
}

class OutcomeTest : public SharedPoolTest {
 protected:
  void TearDown() override { EXPECT_EQ(pool().submit(samples::square, 11).get(), 121) << "the pool is broken"; }
};

TEST_F(OutcomeTest, ExceptionArrivesWithTypeAndMessage) {
  const auto future = pool().submit([](int n) -> int { throw std::out_of_range("no number " + std::to_string(n)); }, 5);
  const auto failure = failure_of<JobRaised>(future);
  EXPECT_EQ(failure.type(), "std::out_of_range");
  EXPECT_EQ(failure.message(), "no number 5");
  EXPECT_EQ(failure.causes(), "");
  EXPECT_EQ(failure.attempts(), 1);
  EXPECT_GT(failure.worker_pid(), 0);
  EXPECT_NE(std::string(failure.what()).find("raised std::out_of_range: no number 5"), std::string::npos)
      << failure.what();
}

TEST_F(OutcomeTest, ExceptionIsNeverRethrownUnderItsOwnType) {
  const auto future = pool().submit([]() -> int { throw std::out_of_range("x"); });
  EXPECT_THROW(
      try { future.get(); } catch (const std::logic_error&) { FAIL() << "the job's exception was rethrown"; },
      prong::Error);
}

TEST_F(OutcomeTest, AnythingThatIsThrownArrives) {
  const auto of = [&](auto thrower) { return failure_of<JobRaised>(pool().submit(thrower)); };
  EXPECT_EQ(of([] { throw OwnError("own"); }).type(), "prong::(anonymous namespace)::OwnError");
  EXPECT_EQ(of([] { throw OwnError("own"); }).message(), "own");
  EXPECT_EQ(of([] { throw std::string("text"); }).message(), "text");
  EXPECT_EQ(of([] { throw "literal"; }).message(), "literal");
  EXPECT_EQ(of([] { throw 42; }).message(), "42");
  EXPECT_EQ(of([] { throw 42; }).type(), "int");
  EXPECT_EQ(of([] { throw samples::Point(); }).type(), "samples::Point");
}

TEST_F(OutcomeTest, NestedExceptionsAreNamed) {
  const auto failure = failure_of<JobRaised>(pool().submit([] {
    try {
      throw std::invalid_argument("inner");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("outer"));
    }
  }));
  EXPECT_EQ(failure.message(), "outer");
  EXPECT_EQ(failure.causes(), "caused by std::invalid_argument: inner\n");
}

TEST_F(OutcomeTest, CrashIsASignal) {
  const auto future = pool().submit([] {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would abort
    std::raise(SIGSEGV);
  });
  EXPECT_FALSE(future.succeeded());
  EXPECT_EQ(std::get<Signalled>(future.outcome()).number, SIGSEGV);
  EXPECT_EQ(failure_of<JobSignalled>(future).number(), SIGSEGV);
  EXPECT_EQ(failure_of<JobSignalled>(pool().submit([] { std::abort(); })).number(), SIGABRT);
}

TEST_F(OutcomeTest, EndOfTheProcessIsAnExit) {
  EXPECT_EQ(failure_of<JobExited>(pool().submit([] { std::exit(3); })).code(), 3);
  EXPECT_EQ(failure_of<JobExited>(pool().submit([] { ::_exit(4); })).code(), 4);
  EXPECT_EQ(failure_of<JobExited>(pool().submit([] { std::exit(0); })).code(), 0);
}

TEST_F(OutcomeTest, LimitIsMet) {
  const auto failure = failure_of<JobTimedOut>(pool().options({.timeout = 50ms}).submit(sleep_for_ever));
  EXPECT_EQ(failure.limit(), Limit::kWallTime);
  EXPECT_EQ(std::get<TimedOut>(failure.outcome()).allowed, 50ms);
}

TEST_F(OutcomeTest, WaitForGivesUp) {
  const std::string started = test::temporary_name();
  auto future = pool().submit(
      [](const std::string& path) {
        std::ofstream(path) << "x";
        sleep_for_ever();
      },
      started);
  while (!std::filesystem::exists(started)) EXPECT_FALSE(future.wait_for(1ms));
  EXPECT_FALSE(future.done());
  EXPECT_TRUE(future.kill());
  failure_of<JobCancelled>(future);
  EXPECT_TRUE(std::get<Cancelled>(future.outcome()).while_running);
  EXPECT_TRUE(future.wait_for(0ms));
  EXPECT_FALSE(future.kill());
}

TEST_F(OutcomeTest, QueuedJobIsCancelled) {
  Pool own({.workers = 1});
  auto running = own.submit(sleep_for_ever);
  auto queued = own.submit(samples::square, 3);
  EXPECT_TRUE(queued.cancel());
  failure_of<JobCancelled>(queued);
  EXPECT_TRUE(running.kill());
  EXPECT_FALSE(running.succeeded());
}

/// Crashes until it was called `good` times.
int crash_until(const std::string& file, int good) {
  std::ofstream(file, std::ios::app) << "x";
  const auto calls = static_cast<int>(std::filesystem::file_size(file));
  if (calls < good) std::abort();
  return calls;
}

TEST_F(OutcomeTest, RetriesUntilItReturns) {
  const std::string calls = test::temporary_name();
  const auto future = pool().options({.retry = {.retries = 3}}).submit(crash_until, calls, 3);
  EXPECT_EQ(future.get(), 3);
  const auto& attempts = future.job()->attempts();
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_TRUE(std::holds_alternative<Signalled>(attempts[0].outcome));
  EXPECT_TRUE(std::holds_alternative<Returned>(attempts[2].outcome));
}

TEST_F(OutcomeTest, RetriesEnd) {
  const auto failure = failure_of<JobExited>(pool().options({.retry = {.retries = 1}}).submit([] { std::exit(9); }));
  EXPECT_EQ(failure.attempts(), 2);
}

struct Mismatched {
  int value = 0;
  template <typename Archive>
  void save(Archive& archive) const {
    archive(value, value);
  }
  template <typename Archive>
  void load(Archive& archive) {
    archive(value);
  }
};

TEST_F(OutcomeTest, SaveAndLoadThatDisagreeFailThatJobAlone) {
  const auto failure = failure_of<JobRaised>(pool().submit([](const Mismatched& m) { return m.value; }, Mismatched{}));
  EXPECT_EQ(failure.type(), "prong::CodecError");
  EXPECT_THROW(pool().submit([] { return Mismatched{}; }).get(), CodecError);
}

TEST_F(OutcomeTest, WrongOptionsAreRefusedAtTheCall) {
  EXPECT_THROW(pool().options({.timeout = -1s}), UsageError);
  EXPECT_THROW(pool().submit(Command{.arguments = {"true"}}), UsageError);
}

TEST_F(OutcomeTest, FutureOutlivesThePool) {
  Future<int> future;
  EXPECT_FALSE(future.valid());
  Future<void> running;
  {
    Pool own({.workers = 1});
    future = own.submit(samples::square, 5);
    future.wait();
    running = own.submit(sleep_for_ever);
  }
  EXPECT_EQ(future.get(), 25);
  EXPECT_TRUE(running.done());
  EXPECT_THROW(running.get(), JobFailed);
}

}  // namespace
}  // namespace prong
