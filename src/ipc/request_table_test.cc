#include "ipc/request_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "ipc/frames.h"

namespace prong::ipc {
namespace {

using State = RequestTable::State;

std::uint64_t add(RequestTable& table, std::size_t size) {
  const auto offset = table.find_room(size);
  return offset ? table.add(*offset, size) : 0;
}

TEST(RequestTableTest, StatesOfASequence) {
  RequestTable table;
  EXPECT_EQ(table.state_of(0), State::kUnknown);
  EXPECT_EQ(table.state_of(1), State::kUnknown);
  EXPECT_EQ(add(table, 10), 1u);
  EXPECT_EQ(table.state_of(1), State::kOpen);
  table.set_revoked(1);
  EXPECT_EQ(table.state_of(1), State::kRevoked);
  EXPECT_EQ(add(table, 10), 2u);
  table.set_ended(2);
  EXPECT_EQ(table.state_of(2), State::kEnded);
  EXPECT_EQ(table.state_of(1 + kSlotCount), State::kUnknown);
}

TEST(RequestTableTest, SlotOfAnOpenRequestIsTaken) {
  RequestTable table;
  for (std::size_t i = 0; i < kSlotCount; ++i) add(table, 0);
  EXPECT_FALSE(table.has_slot());
  table.set_ended(2);  // not the slot that comes next
  EXPECT_FALSE(table.has_slot());
  table.set_ended(1);
  EXPECT_TRUE(table.has_slot());
  add(table, 0);
  EXPECT_EQ(table.state_of(1), State::kUnknown);
}

/// The arena as a list of who uses what, against which every answer of the table is checked.
class ArenaTwin {
 public:
  void add(std::uint64_t sequence, std::uint64_t offset, std::uint64_t size) {
    EXPECT_LE(offset + size, kRequestArenaSize);
    EXPECT_EQ(offset % kRecordAlignment, 0u);
    for (const Range& used : ranges_) {
      EXPECT_TRUE(offset + size <= used.offset || used.offset + used.size <= offset) << "given out twice";
    }
    ranges_.push_back({sequence, offset, size});
  }
  std::uint64_t remove(std::size_t index) {
    const std::uint64_t sequence = ranges_[index].sequence;
    ranges_.erase(ranges_.begin() + static_cast<std::ptrdiff_t>(index));
    return sequence;
  }
  std::size_t count() const { return ranges_.size(); }

 private:
  struct Range {
    std::uint64_t sequence, offset, size;
  };
  std::deque<Range> ranges_;
};

TEST(RequestTableTest, RoomIsNeverGivenOutTwice) {
  std::mt19937 random(3);
  RequestTable table;
  ArenaTwin twin;
  int refused = 0;
  for (int round = 0; round < 100'000 && !testing::Test::HasFailure(); ++round) {
    const std::size_t size = random() % 4 == 0 ? 0 : random() % (kInlineLimit + 1);
    const auto offset = table.has_slot() ? table.find_room(size) : std::nullopt;
    if (offset) {
      twin.add(table.add(*offset, size), *offset, size);
    } else {
      ++refused;
      // Mostly in order, as results come; sometimes not, as requests are revoked.
      const std::size_t index = random() % 4 == 0 ? random() % twin.count() : 0;
      table.set_ended(twin.remove(index));
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(RequestTableTest, EmptyArenaBeginsAgainAtItsStart) {
  RequestTable table;
  const std::uint64_t first = add(table, 1000);
  EXPECT_EQ(table.find_room(10), 1024u);
  table.set_ended(first);
  EXPECT_EQ(table.find_room(10), 0u);
}

TEST(RequestTableTest, LargestRequestAlwaysFitsIntoAnEmptyArena) {
  RequestTable table;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t sequence = add(table, kInlineLimit);
    ASSERT_NE(sequence, 0u);
    table.set_ended(sequence);
  }
}

}  // namespace
}  // namespace prong::ipc
