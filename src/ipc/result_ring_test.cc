// ResultWriter and ResultReader on one thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "ipc/channel_layout.h"
#include "ipc/frames.h"
#include "ipc/result_reader.h"
#include "ipc/result_writer.h"

namespace prong::ipc {
namespace {

class ResultRingTest : public testing::Test {
 protected:
  /// False if there is no room.
  bool write(std::size_t size, std::uint64_t sequence = 1) {
    writer_.plan(size, reader_.taken());
    if (!writer_.has_room(reader_.taken())) return false;
    ResultRecord record{};
    record.sequence = sequence;
    record.kind = 1;
    const std::string text(size, static_cast<char>('a' + sequence % 26));
    const ByteSpan part = as_bytes(text);
    layout_->worker.results_published = writer_.write(*layout_, record, std::span(&part, 1));
    return true;
  }
  void read(std::size_t size, std::uint64_t sequence = 1) {
    ASSERT_EQ(reader_.look(*layout_), ResultReader::Read::kRecord);
    EXPECT_EQ(reader_.record().sequence, sequence);
    std::string text;
    EXPECT_TRUE(reader_.copy_payload(*layout_, text));
    EXPECT_EQ(text, std::string(size, static_cast<char>('a' + sequence % 26)));
    reader_.advance();
  }

  std::unique_ptr<ChannelLayout> layout_ = std::make_unique<ChannelLayout>();
  ResultWriter writer_;
  ResultReader reader_;
};

TEST_F(ResultRingTest, LookingTwiceTakesOnce) {
  write(5);
  EXPECT_EQ(reader_.look(*layout_), ResultReader::Read::kRecord);
  read(5);
  EXPECT_EQ(reader_.look(*layout_), ResultReader::Read::kEmpty);
}

TEST_F(ResultRingTest, AnySizesInAnyRhythm) {
  std::mt19937 random(5);
  std::deque<std::pair<std::size_t, std::uint64_t>> under_way;
  int full = 0;
  for (std::uint64_t round = 0; round < 30'000 && !HasFatalFailure(); ++round) {
    const std::size_t size = random() % 8 == 0 ? random() % (kInlineLimit + 1) : random() % 300;
    const bool writes = random() % 100 < (round / 3000 % 2 == 0 ? 60 : 40);
    if (writes && write(size, round)) {
      under_way.emplace_back(size, round);
      continue;
    }
    full += writes ? 1 : 0;
    if (under_way.empty()) continue;
    read(under_way.front().first, under_way.front().second);
    under_way.pop_front();
  }
  EXPECT_GT(full, 10);
  EXPECT_GT(writer_.published(), 100 * kResultRingSize);
}

TEST_F(ResultRingTest, EmptyRingHasRoomForTheLargestWhereverItStands) {
  for (std::uint64_t lines = 0; lines < 20; ++lines) {
    writer_ = ResultWriter();
    reader_ = ResultReader();
    const std::uint64_t near_end = kResultRingSize - 64 * lines;
    // Not drained between, so that it does not begin again at the start.
    while (writer_.published() < near_end) {
      const std::uint64_t left = near_end - writer_.published();
      ASSERT_TRUE(write(std::min<std::uint64_t>(200'000, left - sizeof(ResultRecord))));
    }
    while (reader_.look(*layout_) == ResultReader::Read::kRecord) reader_.advance();
    ASSERT_TRUE(write(kInlineLimit, lines)) << lines;
    read(kInlineLimit, lines);
  }
}

// A ring of which nobody ever takes more than one result touches few pages.
TEST_F(ResultRingTest, DrainedRingStaysAtItsStart) {
  for (int i = 0; i < 10'000; ++i) {
    write(100);
    read(100);
  }
  const auto touched = std::find_if(layout_->result_ring.rbegin(), layout_->result_ring.rend(),
                                    [](std::byte byte) { return byte != std::byte{0}; });
  EXPECT_LT(layout_->result_ring.rend() - touched, 20'000);
}

TEST_F(ResultRingTest, SpaceWantedIsEnough) {
  while (write(100'000)) continue;
  const std::uint64_t wanted = writer_.space_wanted();
  while (reader_.taken() < wanted) read(100'000);
  EXPECT_TRUE(writer_.has_room(reader_.taken()));
}

}  // namespace
}  // namespace prong::ipc
