#include "cli/session/bar.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

using std::chrono::seconds;

const Tally kHalf{.done = 50, .failed = 0, .total = 100};

TEST(BarTest, FillsTheWidth) {
  EXPECT_EQ(bar_text(kHalf, seconds(5), 40, false), "[########>       ] 50% 50/100, 0:05 left");
  EXPECT_EQ(bar_text(kHalf, std::nullopt, 32, false), "[#########>         ] 50% 50/100");
  EXPECT_LE(bar_text(kHalf, seconds(5), 500, false).size(), 100u);
}

TEST(BarTest, TellsFailuresAndTheirColor) {
  const Tally tally{.done = 50, .failed = 2, .total = 100};
  EXPECT_EQ(bar_text(tally, seconds(5), 40, false), "50% 50/100, 2 failed, 0:05 left");
  EXPECT_EQ(bar_text(tally, seconds(5), 40, true), "50% 50/100, \x1b[31m2 failed\x1b[0m, 0:05 left");
}

TEST(BarTest, LeavesOutWhatHasNoRoom) {
  const Tally tally{.done = 50, .failed = 2, .total = 100};
  EXPECT_EQ(bar_text(tally, seconds(5), 25, false), "50% 50/100, 2 failed");
  EXPECT_EQ(bar_text(tally, seconds(5), 12, false), "50% 50/100");
  EXPECT_EQ(bar_text(tally, seconds(5), 5, false), "50% 5");
  EXPECT_EQ(bar_text(tally, seconds(5), 0, false), "");
}

TEST(BarTest, BeginAndEnd) {
  EXPECT_EQ(bar_text({.done = 0, .failed = 0, .total = 7}, std::nullopt, 20, false), "[>          ] 0% 0/7");
  EXPECT_EQ(bar_text({.done = 7, .failed = 0, .total = 7}, seconds(0), 22, false), "[###########] 100% 7/7");
  EXPECT_EQ(bar_text({.done = 0, .failed = 0, .total = 0}, std::nullopt, 22, false), "[###########] 100% 0/0");
}

TEST(BarTest, WithoutATotalThereAreCounts) {
  EXPECT_EQ(bar_text({.done = 5, .failed = 1, .total = {}}, seconds(9), 80, false), "5 done, 1 failed");
}

TEST(BarTest, NoWidthIsExceeded) {
  for (std::size_t columns = 0; columns < 200; ++columns)
    EXPECT_LE(bar_text({.done = 123456789, .failed = 98765, .total = 987654321}, seconds(99999), columns, false).size(),
              columns);
}

}  // namespace
}  // namespace prong::cli
