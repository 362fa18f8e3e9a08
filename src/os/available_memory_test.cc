#include "os/available_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "prong/error.h"

namespace prong::os {
namespace {

/// A tree of files that look like /proc and /sys.
class AvailableMemoryTest : public testing::Test {
 protected:
  AvailableMemoryTest() : root_(testing::TempDir() + "prong-memory-" + std::to_string(::getpid())) {}
  ~AvailableMemoryTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  void machine_has(std::uint64_t kilobytes) {
    write("/proc/meminfo", "MemTotal:  99999 kB\nMemFree: 5 kB\nMemAvailable:  " + std::to_string(kilobytes) + " kB\n");
  }
  std::uint64_t available() { return available_memory(root_ + "/proc", root_ + "/sys"); }

  std::string root_;
};

TEST_F(AvailableMemoryTest, NothingReadableLimitsNothing) {
  EXPECT_EQ(available(), std::numeric_limits<std::uint64_t>::max());
}

TEST_F(AvailableMemoryTest, MachineAlone) {
  machine_has(1000);
  EXPECT_EQ(available(), 1'024'000u);
}

TEST_F(AvailableMemoryTest, LeastOfAllGroupsOnThePath) {
  machine_has(1000);
  write("/proc/self/cgroup", "0::/outer/inner\n");
  write("/sys/fs/cgroup/outer/memory.max", "500000\n");
  write("/sys/fs/cgroup/outer/memory.current", "100000\n");
  write("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("/sys/fs/cgroup/outer/inner/memory.current", "90000\n");
  EXPECT_EQ(available(), 400'000u);
}

TEST_F(AvailableMemoryTest, CachedFilePagesAreNotUsed) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/memory.max", "500000\n");
  write("/sys/fs/cgroup/memory.current", "500000\n");
  write("/sys/fs/cgroup/memory.stat", "anon 1\nshmem 300000\ninactive_file 150000\nactive_file 50000\n");
  EXPECT_EQ(available(), 200'000u);
}

TEST_F(AvailableMemoryTest, UsageAboveTheLimitLeavesNothing) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/memory.max", "500000\n");
  write("/sys/fs/cgroup/memory.current", "600000\n");
  EXPECT_EQ(available(), 0u);
}

TEST_F(AvailableMemoryTest, VersionOneWithThePathOfTheHost) {
  write("/proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "800000\n");
  write("/sys/fs/cgroup/memory/memory.usage_in_bytes", "300000\n");
  write("/sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\ntotal_active_file 0\n");
  EXPECT_EQ(available(), 501'000u);
}

TEST_F(AvailableMemoryTest, DamagedFilesLimitNothing) {
  write("/proc/self/cgroup", "nonsense\n::\n0::\n4:memory\n");
  write("/proc/meminfo", "MemAvailable: many\n");
  EXPECT_EQ(available(), std::numeric_limits<std::uint64_t>::max());
}

TEST(CheckAvailableMemoryTest, RefusesMoreThanThereIs) {
  check_available_memory(1'000'000);
  try {
    check_available_memory(std::uint64_t{1} << 60);
    FAIL() << "nothing was refused";
  } catch (const SystemError& error) {
    EXPECT_EQ(error.error(), ENOMEM);
    EXPECT_NE(std::string(error.what()).find("reserve 1152921504606846976 bytes of shared memory"), std::string::npos);
  }
}

}  // namespace
}  // namespace prong::os
