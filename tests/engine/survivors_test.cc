// However the program ends, nothing of the pool outlives it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <thread>

#include "engine/text_runner.h"
#include "os/clock.h"
#include "prong/pool.h"
#include "support/temporary.h"

namespace prong {
namespace {

enum class End { kReturn, kQuickExit, kSigterm, kSigkill, kAbort };

class SurvivorsTest : public testing::TestWithParam<std::tuple<StartKind, End>> {};

using Parameters = std::tuple<StartKind, End>;

std::string name_of(const testing::TestParamInfo<Parameters>& parameters) {
  constexpr std::array kKinds = {"fresh", "fork", "spawn"};
  constexpr std::array kEnds = {"Return", "QuickExit", "Sigterm", "Sigkill", "Abort"};
  const auto [kind, end] = parameters.param;
  return std::string(kKinds[static_cast<std::size_t>(kind)]) + kEnds[static_cast<std::size_t>(end)];
}

INSTANTIATE_TEST_SUITE_P(EveryEnd, SurvivorsTest,
                         testing::Combine(testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn),
                                          testing::Values(End::kReturn, End::kQuickExit, End::kSigterm, End::kSigkill,
                                                          End::kAbort)),
                         name_of);

/// The program: a pool whose jobs hang, one with a grandchild that ignores SIGTERM in a session of its own.
[[noreturn]] void run_program(StartKind kind, End end, int report, const std::string& file) {
  Pool pool(test::text_pool(kind, 2));
  for (const std::string& text : {"family " + file, std::string("stubborn")}) {
    JobSpec spec;
    spec.payload = Payload::copy_of(text);
    pool.submit(std::move(spec));
  }
  while (::access(file.c_str(), F_OK) != 0) std::this_thread::yield();
  if (::write(report, "!", 1) != 1) ::_exit(9);
  if (end == End::kReturn) {
    pool.terminate();
    pool.join();
    ::_exit(0);
  }
  if (end == End::kQuickExit) ::_exit(0);
  if (end == End::kAbort) std::abort();
  for (;;) ::pause();
}

// This process is the subreaper of what it starts here: whoever is left when the program is gone becomes its child.
TEST_P(SurvivorsTest, NothingOutlivesTheProgram) {
  const StartKind kind = std::get<0>(GetParam());
  const End end = std::get<1>(GetParam());
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string file = test::temporary_name();
  const pid_t program = ::fork();
  if (program == 0) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
    ::signal(SIGABRT, SIG_DFL);
    run_program(kind, end, ends[1], file);
  }
  ::close(ends[1]);
  char mark = 0;
  ASSERT_EQ(::read(ends[0], &mark, 1), 1) << "the program ended before its jobs ran";
  ::close(ends[0]);
  if (end == End::kSigterm) ::kill(program, SIGTERM);
  if (end == End::kSigkill) ::kill(program, SIGKILL);
  // All descendants end up as our children and can be waited for; a survivor makes this wait run into the test's limit.
  const std::int64_t deadline = os::monotonic_now() + 20'000'000'000;
  for (;;) {
    const pid_t ended = ::waitpid(-1, nullptr, WNOHANG);
    if (ended < 0) break;
    ASSERT_LT(os::monotonic_now(), deadline) << "something survived";
    if (ended == 0) std::this_thread::yield();
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace
}  // namespace prong
