// What the tests of whole pools have in common: jobs as texts (see text_runner.cc), and waiting that fails, never
// hangs.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "os/clock.h"
#include "prong/pool.h"
#include "support/temporary.h"

namespace prong::test {

inline JobSpec job(const std::string& text, JobOptions options = {}) {
  JobSpec spec;
  spec.payload = Payload::copy_of(text);
  spec.options = std::make_shared<JobOptions>(std::move(options));
  return spec;
}

/// Fails the test instead of hanging.
inline void wait_for(Pool& pool, const std::function<bool()>& ready) {
  const MonotonicNs deadline = os::monotonic_now() + 30'000'000'000;
  ASSERT_EQ(pool.wait(ready, {.deadline = deadline, .signals = nullptr}), WaitResult::kReady);
}

inline void wait_for(Pool& pool, const JobPtr& awaited) {
  wait_for(pool, [&] { return awaited->done(); });
}

/// For what no event of the pool tells.
inline void wait_for_file(const std::string& file) {
  const MonotonicNs deadline = os::monotonic_now() + 30'000'000'000;
  while (!std::filesystem::exists(file)) {
    ASSERT_LT(os::monotonic_now(), deadline) << file << " never came";
    std::this_thread::yield();
  }
}

inline std::string value_of(const JobPtr& done) {
  const auto* returned = std::get_if<Returned>(&done->outcome());
  return returned != nullptr ? std::string(returned->value.text()) : "not returned: " + describe(done->outcome());
}

inline std::string run(Pool& pool, const std::string& text, JobOptions options = {}) {
  const JobPtr submitted = pool.submit(job(text, std::move(options)));
  wait_for(pool, submitted);
  return value_of(submitted);
}

inline std::string kind_name(const testing::TestParamInfo<StartKind>& info) {
  switch (info.param) {
    case StartKind::kFresh:
      return "fresh";
    case StartKind::kFork:
      return "fork";
    case StartKind::kSpawn:
      return "spawn";
    case StartKind::kCommand:
      return "command";
  }
  return "unknown";
}

}  // namespace prong::test
