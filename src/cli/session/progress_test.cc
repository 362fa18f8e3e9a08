#include "cli/session/progress.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "cli/system/descriptor.h"

namespace prong::cli {
namespace {

using namespace std::chrono_literals;

TEST(ProgressTest, TextTellsDoneFailedRateAndRest) {
  EXPECT_EQ(progress_text({.done = 37, .failed = 2, .total = 100}, 10s), "37/100 done, 2 failed, 3.7/s, 0:17 left");
  EXPECT_EQ(progress_text({.done = 1000, .failed = 0, .total = 100'000}, 2s),
            "1000/100000 done, 0 failed, 500/s, 3:18 left");
  EXPECT_EQ(progress_text({.done = 1, .total = 3601}, 1s), "1/3601 done, 0 failed, 1.0/s, 1:00:00 left");
}

TEST(ProgressTest, WithoutTotalThereIsNoRest) {
  EXPECT_EQ(progress_text({.done = 37, .failed = 2, .total = {}}, 10s), "37 done, 2 failed, 3.7/s");
}

TEST(ProgressTest, NothingIsGuessedBeforeTheFirstIsDone) {
  EXPECT_EQ(progress_text({.total = 10}, 10s), "0/10 done, 0 failed");
  EXPECT_EQ(progress_text({.done = 1, .total = 10}, 0s), "1/10 done, 0 failed");
}

TEST(ProgressTest, EndTellsTheWholeTime) {
  EXPECT_EQ(progress_text({.done = 10, .failed = 1, .total = 10}, 65s), "10/10 done, 1 failed, 0.2/s, 1:05 in all");
}

class ProgressOnAPipeTest : public testing::Test {
 protected:
  ProgressOnAPipeTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), 0);
    reading_ = Descriptor(ends[0]);
    writing_ = Descriptor(ends[1]);
  }
  std::string written() {
    std::array<char, 4096> buffer{};
    const ssize_t size = ::read(reading_.get(), buffer.data(), buffer.size());
    return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
  }
  Descriptor reading_;
  Descriptor writing_;
};

TEST_F(ProgressOnAPipeTest, IsNotShownUnlessForced) {
  Progress progress({.line = ProgressMode::kOnTerminal, .bar = ProgressMode::kOnTerminal}, 0, writing_.get());
  EXPECT_FALSE(progress.shown());
  EXPECT_EQ(progress.next_due(), std::nullopt);
  progress.finish({.done = 1, .total = {}}, 1);
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressOnAPipeTest, ForcedLineComesNowAndThen) {
  Progress progress({.line = ProgressMode::kAlways}, 0, writing_.get());
  progress.show({.done = 1, .total = 10}, 1'000'000'000);
  EXPECT_EQ(written(), "");
  EXPECT_EQ(progress.next_due(), 5'000'000'000);
  progress.show({.done = 5, .total = 10}, 5'000'000'000);
  EXPECT_EQ(written(), "prong: 5/10 done, 0 failed, 1.0/s, 0:05 left\n");
  progress.erase();
  progress.finish({.done = 10, .total = 10}, 6'000'000'000);
  EXPECT_EQ(written(), "prong: 10/10 done, 0 failed, 1.7/s, 0:06 in all\n");
}

TEST_F(ProgressOnAPipeTest, ForcedBarIsALineNowAndThen) {
  Progress progress({.line = ProgressMode::kAlways, .bar = ProgressMode::kAlways}, 0, writing_.get());
  progress.show({.done = 5, .total = 10}, 5'000'000'000);
  EXPECT_EQ(written(), "[############################>                            ] 50% 5/10, 0:05 left\n");
}

}  // namespace
}  // namespace prong::cli
