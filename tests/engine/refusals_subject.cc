// A small program that uses a pool for everything, to be run while the system refuses one call after another (see
// tests/refusals). Ends with 0 if every job came to an outcome, or an exception said what was tried, and nothing is
// left open; else it says what is wrong.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "engine/text_runner.h"
#include "os/clock.h"
#include "prong/error.h"
#include "prong/pool.h"

namespace {

using namespace prong;

constexpr MonotonicNs kPatience = 40'000'000'000;

/// Tries again, since the very call that opens the folder may be the one that is refused.
long open_descriptors() {
  for (;;) {
    std::error_code refused;
    const std::filesystem::directory_iterator folder("/proc/self/fd", refused);
    if (!refused) return std::distance(folder, {});
  }
}

StartKind kind_named(const std::string& name) {
  if (name == "fork") return StartKind::kFork;
  if (name == "spawn") return StartKind::kSpawn;
  return StartKind::kFresh;
}

/// The number of jobs that came to no outcome.
int use_pool(StartKind kind) {
  Pool pool(test::text_pool(kind, 2));
  std::vector<JobPtr> jobs;
  for (const char* text : {"echo a", "big 2000000", "crash 9", "raise it", "echo b", "exit 3", "echo c"}) {
    JobSpec spec;
    spec.payload = Payload::copy_of(std::string(text));
    jobs.push_back(pool.submit(std::move(spec)));
  }
  std::string large = "size ";
  large.resize(2'000'000, 'x');
  jobs.push_back(pool.submit({.payload = Payload::copy_of(large)}));
  const MonotonicNs deadline = os::monotonic_now() + kPatience;
  int missing = 0;
  for (const JobPtr& job : jobs) {
    pool.wait([&] { return job->done(); }, {.deadline = deadline, .signals = nullptr});
    missing += job->done() ? 0 : 1;
  }
  pool.close();
  if (pool.join({.deadline = deadline, .signals = nullptr}) != WaitResult::kReady) missing += 100;
  return missing;
}

}  // namespace

int main(int, char** argv) {
  test::serve_if_asked();
  const long before = open_descriptors();
  try {
    if (const int missing = use_pool(kind_named(argv[1]))) {
      std::printf("hangs: %d\n", missing);
      return 1;
    }
    std::puts("all jobs have outcomes");
  } catch (const Error& error) {
    std::printf("refused: %s\n", error.what());
  }
  if (open_descriptors() != before) {
    std::puts("descriptors left open");
    return 2;
  }
  return 0;
}
