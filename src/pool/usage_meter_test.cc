#include "pool/usage_meter.h"

#include <gtest/gtest.h>

namespace prong::pool {
namespace {

using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;

constexpr MonotonicNs kMicrosecond = 1000;
constexpr std::int64_t kMebibyte = 1 << 20;

/// The process that is measured, as the test wants it.
struct Process {
  os::Usage usage{.cpu_time = std::chrono::nanoseconds(0), .peak_memory = 10 * kMebibyte};
  std::int64_t resident = 10 * kMebibyte;
  int readings = 0;
  int forgotten = 0;
  bool forgets = true;
};
Process process;

class UsageMeterTest : public testing::Test {
 protected:
  UsageMeterTest() { process = {}; }

  /// A request that works all the time.
  os::Usage run(MonotonicNs microseconds, std::int64_t peak = 0) {
    const MonotonicNs started = now_;
    meter_.begin(started);
    work(microseconds);
    process.usage.peak_memory = std::max(process.usage.peak_memory, peak);
    return meter_.end(started, now_);
  }
  void work(MonotonicNs microseconds) {
    process.usage.cpu_time += std::chrono::microseconds(microseconds);
    pass(microseconds);
  }
  void pass(MonotonicNs microseconds) { now_ += microseconds * kMicrosecond; }

  MonotonicNs now_ = 1'000'000'000;
  UsageMeter meter_{{.usage =
                         []() noexcept {
                           ++process.readings;
                           return process.usage;
                         },
                     .forget_peak =
                         []() noexcept {
                           ++process.forgotten;
                           if (process.forgets) process.usage.peak_memory = process.resident;
                           return process.forgets;
                         }}};
};

TEST_F(UsageMeterTest, RequestIsToldWhatItTook) {
  work(100);
  EXPECT_EQ(run(300).cpu_time, 300us);
  EXPECT_EQ(run(2000).cpu_time, 2000us);
}

TEST_F(UsageMeterTest, ReadingAtTheBeginningIsSaid) {
  EXPECT_TRUE(meter_.begin(now_));
  EXPECT_FALSE(meter_.begin(now_ + 1));
  EXPECT_TRUE(meter_.begin(now_ + UsageMeter::kShortest));
}

TEST_F(UsageMeterTest, WaitingTakesNoCpuTime) {
  meter_.begin(now_);
  const MonotonicNs started = now_;
  work(10);
  pass(5000);
  EXPECT_EQ(meter_.end(started, now_).cpu_time, 10us);
}

TEST_F(UsageMeterTest, ShortRequestsAreHardlyEverMeasured) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(run(1).cpu_time, -1ns);
  EXPECT_LE(process.readings, 6);
}

TEST_F(UsageMeterTest, ShortRequestsBeforeItAreNotCounted) {
  run(300);
  for (int i = 0; i < 100; ++i) run(2);
  EXPECT_EQ(run(1000).cpu_time, 1000us);
}

TEST_F(UsageMeterTest, WaitingForItIsNotCounted) {
  run(300);
  pass(50'000);
  EXPECT_EQ(run(1000).cpu_time, 1000us);
}

TEST_F(UsageMeterTest, PeakOfAnotherRequestIsForgotten) {
  EXPECT_EQ(run(1000, 500 * kMebibyte).peak_memory, 500 * kMebibyte);
  EXPECT_EQ(run(1000, 20 * kMebibyte).peak_memory, 20 * kMebibyte);
  EXPECT_EQ(run(1000).peak_memory, 10 * kMebibyte);
}

TEST_F(UsageMeterTest, PeakIsNotForgottenForNothing) {
  for (int i = 0; i < 20; ++i) run(400);
  EXPECT_EQ(process.forgotten, 1);
}

TEST_F(UsageMeterTest, PeakOfWhatHasShrunkIsForgottenInTime) {
  run(1000);
  process.resident = 5 * kMebibyte;
  run(UsageMeter::kPeakAge / kMicrosecond);
  EXPECT_EQ(run(1000).peak_memory, 5 * kMebibyte);
}

TEST_F(UsageMeterTest, PeakThatIsNeverForgottenIsNotTold) {
  process.forgets = false;
  const os::Usage usage = run(1000, 500 * kMebibyte);
  EXPECT_EQ(usage.cpu_time, 1000us);
  EXPECT_EQ(usage.peak_memory, -1);
}

}  // namespace
}  // namespace prong::pool
