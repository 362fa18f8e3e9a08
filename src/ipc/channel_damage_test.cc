// A worker that writes anything anywhere in its segment: the coordinator neither crashes nor hangs nor takes a result
// that cannot be one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/channel_layout.h"
#include "ipc/result_reader.h"
#include "ipc/result_writer.h"
#include "os/poller.h"
#include "prong/error.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

/// A channel, its worker, and a second mapping through which the worker's stray writes go.
class ChannelDamageTest : public testing::Test {
 protected:
  std::uint64_t push(std::string_view text = "") {
    Request request;
    request.bytes = as_bytes(text);
    const auto sequence = channel_.try_push(request);
    return sequence.value_or(0);
  }
  void answer_one(std::string_view text) {
    Request request;
    worker_.take(request);
    const ByteSpan part = as_bytes(text);
    worker_.publish(Result{}, std::span(&part, 1));
  }
  ChannelLayout& layout() { return *reinterpret_cast<ChannelLayout*>(mapping_.data()); }
  ResultRecord read_record(std::size_t offset) {
    ResultRecord record;
    std::memcpy(&record, layout().result_ring.data() + offset, sizeof record);
    return record;
  }
  void write_record(ResultRecord record, std::size_t offset = 0) {
    seal(record);
    std::memcpy(layout().result_ring.data() + offset, &record, sizeof record);
  }
  Channel::Pop pop() {
    Result result;
    return channel_.try_pop(result);
  }
  /// One request answered; then the record of its result is changed, with a good crc, by `change`.
  template <typename Change>
  Channel::Pop pop_changed(Change change) {
    push();
    answer_one("result");
    ResultRecord record = read_record(0);
    change(record);
    write_record(record);
    return pop();
  }

  Channel channel_;
  os::Mapping mapping_{channel_.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared};
  WorkerChannel worker_ = WorkerChannel::over_for_test(channel_, os::create_eventfd());
};

TEST_F(ChannelDamageTest, UnchangedIsTaken) {
  EXPECT_EQ(pop_changed([](ResultRecord&) {}), Channel::Pop::kResult);
}

TEST_F(ChannelDamageTest, DamageIsForEver) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.sequence = 5; }), Channel::Pop::kDamaged);
  EXPECT_TRUE(channel_.results_waiting());
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
  EXPECT_EQ(push(), 0u);
}

TEST_F(ChannelDamageTest, SequenceNeverGivenOut) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.sequence = 65; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, SequenceZero) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.sequence = 0; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, SequenceThatHasEnded) {
  push();
  answer_one("");
  EXPECT_EQ(pop(), Channel::Pop::kResult);
  push();
  answer_one("");
  ResultRecord record = read_record(128);
  record.sequence = 1;
  write_record(record, 128);
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, SequenceThatWasRevoked) {
  const std::uint64_t first = push();
  channel_.try_revoke(first);
  EXPECT_EQ(pop_changed([first](ResultRecord& record) { record.sequence = first; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, UnknownKinds) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.kind = 0; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, KindAfterTheLast) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.kind = 8; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, PayloadBeyondWhatWasPublished) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.size = 200; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, PayloadBeyondEverything) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.size = 0xFFFFFFFF; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, RecordOfAnotherPlace) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) { record.position = kResultRingSize; }), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, SkipAtTheStartWouldNeverEnd) {
  EXPECT_EQ(pop_changed([](ResultRecord& record) {
              record.kind = ResultRecord::kSkip;
              record.block_size = kResultRingSize;
            }),
            Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, WrongCrc) {
  push();
  answer_one("");
  layout().result_ring[20] ^= std::byte{1};
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, PayloadThatWasOverwritten) {
  push();
  answer_one("a result");
  layout().result_ring[sizeof(ResultRecord) + 3] ^= std::byte{1};
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, TimesThatRunBackwardsAreSetRight) {
  push();
  answer_one("");
  ResultRecord record = read_record(0);
  record.started_ns = 1000;
  record.ended_ns = std::numeric_limits<std::int64_t>::min();
  write_record(record);
  Result result;
  EXPECT_EQ(channel_.try_pop(result), Channel::Pop::kResult);
  EXPECT_EQ(result.ended_ns, 1000);
}

TEST_F(ChannelDamageTest, PositionsOutOfRange) {
  for (const std::uint64_t published : {std::uint64_t{64}, std::uint64_t{1}, kResultRingSize + std::uint64_t{64},
                                        ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    Channel channel;
    const os::Mapping mapping(channel.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared);
    reinterpret_cast<ChannelLayout*>(mapping.data())->worker.results_published = published;
    Result result;
    EXPECT_EQ(channel.try_pop(result), Channel::Pop::kDamaged) << published;
  }
}

TEST_F(ChannelDamageTest, GoodRecordBeforeAnImpossiblePosition) {
  push();
  answer_one("");
  layout().worker.results_published = kResultRingSize + 64;
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, PositionThatRunsBackwards) {
  push();
  answer_one("");
  EXPECT_EQ(pop(), Channel::Pop::kResult);
  layout().worker.results_published = 0;
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

TEST_F(ChannelDamageTest, WordOfAnotherRequest) {
  const std::uint64_t sequence = push();
  layout().slot_of(sequence).word = pack_word(sequence + 64, WordState::kReady);
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kDamaged);
  EXPECT_FALSE(channel_.try_revoke(sequence));
}

TEST_F(ChannelDamageTest, WordWithAnUnknownState) {
  const std::uint64_t sequence = push();
  layout().slot_of(sequence).word = sequence << 3 | 6;
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kDamaged);
}

TEST_F(ChannelDamageTest, FreeWithoutAResult) {
  const std::uint64_t sequence = push();
  layout().slot_of(sequence).word = pack_word(sequence, WordState::kFree);
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kDamaged);
}

TEST_F(ChannelDamageTest, RevokedRequestThatIsReadyAgain) {
  const std::uint64_t sequence = push();
  channel_.try_revoke(sequence);
  layout().slot_of(sequence).word = pack_word(sequence, WordState::kReady);
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kDamaged);
}

// Otherwise the channel would look full for ever, and its worker idle.
TEST_F(ChannelDamageTest, SlotThatNeverComesBackIsNoticed) {
  layout().slot_of(1).word = pack_word(12345, WordState::kStarted);
  EXPECT_EQ(push(), 0u);
  EXPECT_TRUE(channel_.results_waiting());
  EXPECT_EQ(pop(), Channel::Pop::kDamaged);
}

// A worker that waits for room would wait for ever if its own word were believed.
TEST_F(ChannelDamageTest, EmptyRingIsRoomEnoughWhateverIsWanted) {
  push();
  push();
  answer_one("");
  answer_one("");
  layout().worker.space_wanted = ~std::uint64_t{0};
  layout().sleepers.waits_for_space = 1;
  EXPECT_EQ(pop(), Channel::Pop::kResult);
  EXPECT_EQ(layout().sleepers.waits_for_space, 1u);
  EXPECT_EQ(pop(), Channel::Pop::kResult);
  EXPECT_EQ(layout().sleepers.waits_for_space, 0u);
}

TEST_F(ChannelDamageTest, WorkerNoticesAnOverwrittenRequest) {
  const std::uint64_t sequence = push("hello");
  layout().slot_of(sequence).request.size = 400'000;
  Request request;
  EXPECT_THROW(worker_.take(request), Error);
}

/// A ring in ordinary memory, where AddressSanitizer sees every byte read beyond its end.
class DamagedRing {
 public:
  /// Good records up to `end`, all of them taken.
  explicit DamagedRing(std::uint64_t end) {
    while (taken_ < end) fill(std::min<std::uint64_t>(200'000, end - taken_ - sizeof(ResultRecord)));
  }

  /// Looks at a record that nobody wrote, but whose crc is right.
  ResultReader::Read look_at(ResultRecord record, std::uint64_t published) {
    record.position = record_start(taken_);
    seal(record);
    std::memcpy(layout_->result_ring.data() + record.position % kResultRingSize, &record, sizeof record);
    layout_->worker.results_published = published;
    ResultReader reader = reader_;
    std::string copied;
    const ResultReader::Read read = reader.look(*layout_);
    if (read == ResultReader::Read::kRecord) reader.copy_payload(*layout_, copied);
    return read;
  }
  std::uint64_t taken() const { return taken_; }

 private:
  void fill(std::uint64_t size) {
    const std::string text(size, 'x');
    const ByteSpan part = as_bytes(text);
    writer_.plan(size, 1);
    ResultRecord record{};
    layout_->worker.results_published = writer_.write(*layout_, record, std::span(&part, 1));
    EXPECT_EQ(reader_.look(*layout_), ResultReader::Read::kRecord);
    taken_ = reader_.advance();
  }

  std::unique_ptr<ChannelLayout> layout_ = std::make_unique<ChannelLayout>();
  ResultWriter writer_;
  ResultReader reader_;
  std::uint64_t taken_ = 0;
};

TEST(ResultReaderTest, PayloadAroundTheEndIsDamage) {
  DamagedRing ring(kResultRingSize - 256);
  ResultRecord record{};
  record.kind = 1;
  record.size = 256 - sizeof record;
  EXPECT_EQ(ring.look_at(record, ring.taken() + 1024), ResultReader::Read::kRecord);
  ++record.size;
  EXPECT_EQ(ring.look_at(record, ring.taken() + 1024), ResultReader::Read::kDamaged);
}

TEST(ResultReaderTest, RandomRecordsNearTheEndNeverReadOutside) {
  std::mt19937_64 random(7);
  for (std::uint64_t lines = 0; lines < 8; ++lines) {
    DamagedRing ring(kResultRingSize - 64 * lines);
    for (int round = 0; round < 5'000; ++round) {
      const std::uint64_t position = record_start(ring.taken());
      ResultRecord record{};
      record.kind = random() % 4 == 0 ? ResultRecord::kSkip : std::uint16_t{1};
      record.block_size = random() % 2 == 0 ? to_ring_end(position) : random();
      record.size = static_cast<std::uint32_t>(random() % 3 == 0 ? random() : random() % 1000);
      ring.look_at(record, ring.taken() + 64 * (random() % 40));
    }
  }
}

/// Stray writes of a worker: random bytes, or a plausible number in a place that matters.
class Vandal {
 public:
  Vandal(std::byte* segment, unsigned seed) : segment_(segment), random_(seed) {}

  void strike() {
    switch (random_() % 4) {
      case 0:
        scribble(random_() % sizeof(ChannelLayout), random_() % 4096);
        break;
      case 1:
        scribble(random_() % 8192, 1 + random_() % 64);
        break;
      case 2:
        put_number(offsetof(ChannelLayout, worker), 64 * (random_() % 40000));
        break;
      default:
        put_number(4096 + 64 * (random_() % 64), random_() % 200 << 3 | random_() % 8);
    }
  }
  void scribble_everything() {
    for (std::size_t i = 0; i + 8 <= sizeof(ChannelLayout); i += 8) put_number(i, random_());
  }

 private:
  void scribble(std::size_t offset, std::size_t size) {
    for (std::size_t i = offset; i < std::min(offset + size, sizeof(ChannelLayout)); ++i) {
      segment_[i] = static_cast<std::byte>(random_());
    }
  }
  void put_number(std::size_t offset, std::uint64_t number) { std::memcpy(segment_ + offset, &number, sizeof number); }

  std::byte* segment_;
  std::mt19937_64 random_;
};

/// Everything that a coordinator does, in a random order, on a channel that changes under it.
void use_channel(Channel& channel, Vandal& vandal, unsigned seed) {
  std::mt19937 random(seed);
  const std::string bytes(3000, 'x');
  std::set<std::uint64_t> outstanding;
  Result result;
  for (int i = 0; i < 60; ++i) {
    Request request;
    request.bytes = as_bytes(bytes).first(random() % bytes.size());
    if (const auto sequence = channel.try_push(request)) outstanding.insert(*sequence);
    channel.wake_worker();
    if (random() % 3 == 0) vandal.strike();
    const std::uint64_t any = 1 + random() % 70;
    channel.state_of(any);
    EXPECT_LE(channel.started_at(any, 1000), 1000);
    const std::size_t revoked = channel.try_revoke(any) ? 1 : 0;
    EXPECT_EQ(outstanding.erase(revoked * any), revoked);
    channel.arm(static_cast<std::uint32_t>(random()));
    channel.disarm();
    // A damaged channel says so, and never gives a result that nobody waits for.
    if (channel.try_pop(result) == Channel::Pop::kResult && result.kind != ResultKind::kNeedBlock) {
      EXPECT_EQ(outstanding.erase(result.sequence), 1u);
    }
  }
}

TEST(ChannelVandalTest, CoordinatorSurvivesStrayWrites) {
  const test::Deadline deadline(50);
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    Channel channel;
    const os::Mapping mapping(channel.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared);
    Vandal vandal(mapping.data(), seed);
    if (seed % 100 == 0) vandal.scribble_everything();
    use_channel(channel, vandal, seed);
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// The same while a real worker answers in another process and is vandal at the same time.
TEST(ChannelVandalTest, CoordinatorSurvivesAWorkerThatStrikesWhileItAnswers) {
  const test::Deadline deadline(50);
  for (unsigned seed = 1; seed <= 60; ++seed) {
    Channel channel;
    const int fd = channel.fd();
    test::Child worker([fd, seed] {
      const os::Mapping mapping(fd, sizeof(ChannelLayout), os::Mapping::Mode::kShared);
      WorkerChannel own(os::Fd(fd), os::create_eventfd());
      Vandal vandal(mapping.data(), seed);
      Request request;
      for (int i = 0;; ++i) {
        own.take(request);
        own.publish(Result{}, std::span(&request.bytes, 1));
        if (i % 20 == 19) vandal.strike();
      }
    });
    Vandal nobody(nullptr, seed);
    Result result;
    for (int i = 0; i < 2000; ++i) {
      channel.try_push(Request{});
      channel.wake_worker();
      if (channel.try_pop(result) == Channel::Pop::kDamaged) break;
      if (worker.ended()) break;
    }
  }
}

}  // namespace
}  // namespace prong::ipc
