#include "os/own_usage.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>

#include "os/process_tree.h"
#include "os/this_process.h"

namespace prong::os {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kLarge = 64 * kMebibyte;

/// So many loops, which no compiler may leave out.
void burn() {
  for (int i = 0; i < 50'000'000; ++i) asm volatile("");
}

/// In a mapping, which goes back to the kernel at once.
void touch(std::int64_t size) {
  void* memory = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  ::munmap(memory, static_cast<std::size_t>(size));
}

Usage usage_of_child(void (*work)()) {
  if (try_fork() == 0) {
    work();
    exit_now(0);
  }
  return reap_any(true).usage;
}

TEST(OwnUsageTest, CpuTimeGrowsWithWork) {
  const Usage before = own_usage();
  burn();
  EXPECT_GT(own_usage().cpu_time, before.cpu_time);
}

TEST(OwnUsageTest, CpuTimeOfChildrenCountsWhenTheyAreReaped) {
  const Usage before = own_usage();
  const Usage child = usage_of_child(burn);
  EXPECT_GT(child.cpu_time, std::chrono::nanoseconds(0));
  EXPECT_GE(own_usage().cpu_time - before.cpu_time, child.cpu_time);
}

TEST(OwnUsageTest, PeakStaysUntilItIsForgotten) {
  touch(kLarge);
  const std::int64_t peak = own_peak_memory();
  EXPECT_GE(peak, kLarge);
  EXPECT_EQ(own_usage().peak_memory, peak);
  ASSERT_TRUE(forget_own_peak_memory());
  EXPECT_LT(own_peak_memory(), peak - kLarge / 2);
}

TEST(OwnUsageTest, PeakOfAChildIsItsOwn) {
  const Usage idle = usage_of_child([] {});
  const Usage large = usage_of_child([] { touch(kLarge); });
  EXPECT_GE(large.peak_memory, idle.peak_memory + kLarge / 2);
  EXPECT_GT(idle.peak_memory, 0);
}

TEST(OwnUsageTest, NothingReapedNothingKnown) {
  EXPECT_EQ(reap_any(false).usage.cpu_time, std::chrono::nanoseconds(-1));
  EXPECT_EQ(reap_any(false).usage.peak_memory, -1);
}

}  // namespace
}  // namespace prong::os
