// A worker that dies at any step of a batch: which items were begun, and which have results, is known exactly.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/fault_point.h"
#include "ipc/channel.h"
#include "ipc/channel_fault_points.h"
#include "ipc/channel_layout.h"
#include "os/poller.h"
#include "prong/error.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

constexpr std::uint32_t kItems = 40;
constexpr std::uint32_t kFirst = 3;  ///< of the payload's items, the first that this request has

struct Log {
  std::array<std::atomic<int>, kItems> begun{};
  std::array<std::atomic<int>, kItems> kept{};
};

std::string result_of(std::uint32_t item, std::size_t size) {
  return std::string(size + item, static_cast<char>('a' + item % 26));
}

/// A batch that runs in a child which may die, and what can be known of it then.
class BatchCrash {
 public:
  /// `prepare`: in the child, before it takes the batch.
  template <typename Prepare>
  BatchCrash(std::size_t result_size, const Prepare& prepare) : size_(result_size) {
    Request request;
    request.kind = RequestKind::kBatch;
    request.first_item = kFirst;
    request.end_item = kItems;
    request.wants_starts = true;
    sequence_ = *channel_.try_push(request);
    test::Child child([&] {
      prepare();
      work(channel_.fd());
    });
    while (!child.ended()) drain();
    drain();
    died_ = !child.ended_well();
  }

  bool died() const { return died_; }

  void judge() {
    if (!published_end_) {
      const Channel::ItemResults kept = channel_.unpublished_items(sequence_);
      if (kept.count != 0 && kept.first == ended_) take(kept.count, kept.bytes);
    }
    const std::uint32_t claimed = std::max(channel_.unclaimed_item(sequence_, kItems).value(), ended_);
    EXPECT_LE(claimed - ended_, 1u) << "more than one item runs at a time";
    for (std::uint32_t item = kFirst; item < kItems; ++item) {
      EXPECT_TRUE(log_->begun[item] == 0 || item < claimed) << "would run twice";
      EXPECT_TRUE(log_->kept[item] == 0 || item < ended_) << "its result is lost";
    }
    EXPECT_TRUE(died_ || ended_ == kItems);
  }

 private:
  void work(int fd) {
    WorkerChannel channel{os::Fd(fd), doorbell_.duplicate()};
    Request request;
    channel.take(request);
    while (const auto item = channel.claim_item()) {
      log_->begun[*item] = 1;
      const std::string text = result_of(*item, size_);
      const ByteSpan parts[] = {as_bytes(text)};
      Result notice;
      notice.kind = ResultKind::kItems;
      if (*item % 7 == 0 || !channel.keep_item(parts)) {
        channel.publish_items(notice);
        channel.keep_item(parts);
      }
      log_->kept[*item] = 1;
    }
    channel.publish_items(Result{});
  }

  void drain() {
    Result result;
    for (;;) {
      const Channel::Pop popped = channel_.try_pop(result);
      ASSERT_NE(popped, Channel::Pop::kDamaged);
      if (popped == Channel::Pop::kEmpty) return;
      published_end_ |= result.kind == ResultKind::kReturned;
      take(static_cast<std::uint32_t>(result.code), result.bytes);
    }
  }

  void take(std::uint32_t count, const std::string& bytes) {
    std::string expected;
    for (std::uint32_t i = 0; i < count; ++i) expected += result_of(ended_ + i, size_);
    EXPECT_EQ(bytes, expected);
    ended_ += count;
  }

  std::size_t size_;
  test::Shared<Log> log_;
  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  std::uint64_t sequence_ = 0;
  std::uint32_t ended_ = kFirst;
  bool published_end_ = false;
  bool died_ = false;
};

std::vector<std::string_view> batch_points() {
  std::vector<std::string_view> points;
  std::copy_if(kChannelFaultPoints.begin(), kChannelFaultPoints.end(), std::back_inserter(points),
               [](std::string_view point) { return point.starts_with("channel.items."); });
  return points;
}

class BatchCrashTest : public testing::TestWithParam<std::string_view> {};

std::string test_name(const testing::TestParamInfo<std::string_view>& point) {
  return std::string(point.param.substr(sizeof "channel.items." - 1));
}

INSTANTIATE_TEST_SUITE_P(Points, BatchCrashTest, testing::ValuesIn(batch_points()), test_name);

TEST_P(BatchCrashTest, EveryItemIsJudgedRightly) {
  for (const int nth : {1, 2, 5}) {
    for (const std::size_t size : {5u, 60'000u}) {
      BatchCrash crash(size, [nth] { base::die_at_fault_point(GetParam(), nth); });
      EXPECT_TRUE(crash.died()) << "the worker did not reach the fault point";
      crash.judge();
    }
  }
}

TEST(BatchCrashAnywhereTest, EveryItemIsJudgedRightly) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    BatchCrash crash(seed % 3 == 0 ? 60'000u : 5u, [seed] {
      static std::atomic<int> countdown;
      countdown = static_cast<int>(std::minstd_rand(seed)() % 250);
      base::fault_hook = [](std::string_view) {
        if (countdown.fetch_sub(1) == 0) std::raise(SIGKILL);
      };
    });
    crash.judge();
    if (testing::Test::HasFailure()) break;
  }
}

TEST(BatchTest, NoItemIsBothClaimedAndTakenAway) {
  for (int round = 0; round < 200; ++round) {
    Channel channel;
    Request request;
    request.kind = RequestKind::kBatch;
    request.end_item = 1000;
    const std::uint64_t sequence = *channel.try_push(request);
    std::vector<int> claimed;
    std::thread worker([&] {
      WorkerChannel side = WorkerChannel::over_for_test(channel, os::create_eventfd());
      Request taken;
      side.take(taken);
      while (const auto item = side.claim_item()) claimed.push_back(static_cast<int>(*item));
      side.publish_items(Result{});
    });
    std::uint32_t end = 1000;
    while (end > 0 && !channel.results_waiting())
      if (const auto first = channel.take_items_away(sequence, end - 1, end)) end = *first;
    worker.join();
    EXPECT_EQ(claimed.size(), end);
  }
}

TEST(BatchTest, ResultsThatWereOverwrittenAreNotBelieved) {
  Channel channel;
  os::Mapping seen{channel.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared};
  auto& layout = *reinterpret_cast<ChannelLayout*>(seen.data());
  Request request;
  request.kind = RequestKind::kBatch;
  request.end_item = 2;
  const std::uint64_t sequence = *channel.try_push(request);
  WorkerChannel worker = WorkerChannel::over_for_test(channel, os::create_eventfd());
  worker.take(request);
  const ByteSpan parts[] = {as_bytes("result")};
  worker.claim_item();
  worker.keep_item(parts);
  EXPECT_EQ(channel.unpublished_items(sequence).bytes, "result");
  EXPECT_EQ(channel.unpublished_items(sequence + 1).count, 0u);
  layout.item_area[2] ^= std::byte{1};
  EXPECT_EQ(channel.unpublished_items(sequence).count, 0u);
  EXPECT_THROW(worker.publish_items(Result{}), Error);
}

}  // namespace
}  // namespace prong::ipc
