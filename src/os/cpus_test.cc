#include "os/cpus.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace prong::os {
namespace {

/// A /proc and a /sys of our own.
class CpusTest : public testing::Test {
 protected:
  CpusTest() {
    std::string name = testing::TempDir() + "prong-cpus-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~CpusTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void cgroups(const std::string& text) { write("proc/self/cgroup", text); }
  CpuCount count(int affinity) { return usable_cpus((root_ / "proc").string(), (root_ / "sys").string(), affinity); }

  std::filesystem::path root_;
};

TEST_F(CpusTest, AffinityWithoutCgroups) {
  EXPECT_EQ(count(3).count, 3);
  EXPECT_EQ(count(3).reason, "affinity");
  EXPECT_EQ(count(0).count, 1);
}

TEST_F(CpusTest, QuotaOfVersion2IsRoundedUp) {
  cgroups("0::/app\n");
  write("sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(count(8).count, 2);
  EXPECT_EQ(count(8).reason, "cgroup quota 1.5");
}

TEST_F(CpusTest, AFractionOfOneCpuIsOne) {
  cgroups("0::/app\n");
  write("sys/fs/cgroup/app/cpu.max", "10000 100000\n");
  EXPECT_EQ(count(8).count, 1);
}

TEST_F(CpusTest, AQuotaFurtherUpCounts) {
  cgroups("0::/slice/app/leaf\n");
  write("sys/fs/cgroup/slice/cpu.max", "300000 100000\n");
  write("sys/fs/cgroup/slice/app/leaf/cpu.max", "max 100000\n");
  EXPECT_EQ(count(8).count, 3);
}

TEST_F(CpusTest, TheLeastOfThePathWins) {
  cgroups("0::/slice/app\n");
  write("sys/fs/cgroup/slice/cpu.max", "600000 100000\n");
  write("sys/fs/cgroup/slice/app/cpu.max", "200000 100000\n");
  EXPECT_EQ(count(8).count, 2);
}

TEST_F(CpusTest, AffinityBelowTheQuotaWins) {
  cgroups("0::/app\n");
  write("sys/fs/cgroup/app/cpu.max", "800000 100000\n");
  EXPECT_EQ(count(2).count, 2);
  EXPECT_EQ(count(2).reason, "affinity");
}

TEST_F(CpusTest, APathThatIsTheHostsMeansTheMountItself) {
  cgroups("0::/system.slice/docker-1234.scope\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(count(8).count, 2);
  cgroups("0::/../../elsewhere\n");
  EXPECT_EQ(count(8).count, 2);
}

TEST_F(CpusTest, QuotaOfVersion1) {
  cgroups("5:memory:/app\n4:cpu,cpuacct:/app\n1:name=systemd:/app\n0::/app\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(count(8).count, 3);
  write("sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(count(8).count, 8);
}

TEST_F(CpusTest, NonsenseLimitsNothing) {
  cgroups("garbage\n0:\n0::/app\n");
  write("sys/fs/cgroup/app/cpu.max", "0 0\n");
  EXPECT_EQ(count(4).count, 4);
  write("sys/fs/cgroup/app/cpu.max", "words\n");
  EXPECT_EQ(count(4).count, 4);
}

TEST(UsableCpusTest, HereItIsAtLeastOne) {
  EXPECT_GE(usable_cpus().count, 1);
  EXPECT_FALSE(usable_cpus().reason.empty());
}

}  // namespace
}  // namespace prong::os
