#include "base/duration.h"

#include <gtest/gtest.h>

namespace prong::base {
namespace {

using namespace std::chrono_literals;

TEST(DurationTest, IsWrittenInTheLargestFittingUnit) {
  EXPECT_EQ(describe(2s), "2 s");
  EXPECT_EQ(describe(1500ms), "1.5 s");
  EXPECT_EQ(describe(1h), "3600 s");
  EXPECT_EQ(describe(500ms), "500 ms");
  EXPECT_EQ(describe(20us), "20 us");
  EXPECT_EQ(describe(7ns), "7 ns");
}

TEST(DurationTest, NothingAndNegativeAreWritten) {
  EXPECT_EQ(describe(0s), "0 s");
  EXPECT_EQ(describe(-10s), "-10 s");
}

TEST(DescribeBytesTest, TakesTheUnitThatFits) {
  EXPECT_EQ(describe_bytes(0), "0 bytes");
  EXPECT_EQ(describe_bytes(1023), "1023 bytes");
  EXPECT_EQ(describe_bytes(1536), "1.5 KiB");
  EXPECT_EQ(describe_bytes(std::uint64_t{256} << 20), "256 MiB");
  EXPECT_EQ(describe_bytes(UINT64_MAX), "16 EiB");
}

}  // namespace
}  // namespace prong::base
