#include "os/futex.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <thread>

#include "os/clock.h"
#include "os/memory.h"

namespace prong::os {
namespace {

using Word = std::atomic<std::uint32_t>;

TEST(FutexTest, OtherValueReturnsAtOnce) {
  Word word{1};
  futex_wait(word, 0, -1);  // would never return
}

TEST(FutexTest, DeadlineEndsTheWait) {
  Word word{0};
  const std::int64_t deadline = monotonic_now() + 2'000'000;
  while (monotonic_now() < deadline) futex_wait(word, 0, deadline);
  EXPECT_EQ(word.load(), 0u);
}

TEST(FutexTest, DeadlineInThePastReturnsAtOnce) {
  Word word{0};
  futex_wait(word, 0, 0);
}

TEST(FutexTest, WakesAThread) {
  Word word{0};
  std::thread waker([&] {
    word.store(1);
    futex_wake(word, 1);
  });
  while (word.load() == 0) futex_wait(word, 0, -1);
  waker.join();
}

TEST(FutexTest, WakesAnotherProcessThroughAnotherMapping) {
  const Fd segment = create_memfd("futex-test", 4096);
  Mapping mapping(segment.get(), 4096, Mapping::Mode::kShared, true);
  Word* word = new (mapping.data()) Word(0);
  const pid_t child = ::fork();
  if (child == 0) {
    const Mapping other(segment.get(), 4096, Mapping::Mode::kShared);
    Word* same = reinterpret_cast<Word*>(other.data());
    while (same->load() == 0) futex_wait(*same, 0, -1);
    ::_exit(7);
  }
  word->store(1);
  futex_wake(*word, 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(FutexTest, CurrentCpuIsOneOfTheMachine) {
  EXPECT_GE(current_cpu(), 0);
  EXPECT_LT(current_cpu(), ::sysconf(_SC_NPROCESSORS_CONF));
}

}  // namespace
}  // namespace prong::os
