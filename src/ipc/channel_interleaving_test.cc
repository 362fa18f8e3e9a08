// The other side acts exactly while one side is at a fault point: the races that a stress test meets once in a million
// times, each one every time. Both sides are on one thread, so whatever would wait for the other waits for ever, and
// the deadline ends the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "ipc/channel.h"
#include "ipc/channel_fault_points.h"
#include "os/poller.h"
#include "os/socket.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

class ChannelInterleavingTest : public testing::Test {
 protected:
  ChannelInterleavingTest() { current = this; }
  ~ChannelInterleavingTest() override { base::fault_hook = nullptr; }

  /// Does `action` once, when `point` is next reached.
  void at(std::string_view point, std::function<void()> action) {
    point_ = channel_point(point);
    action_ = std::move(action);
    base::fault_hook = [](std::string_view reached) {
      if (reached == current->point_) std::exchange(current->action_, [] {})();
    };
  }

  std::uint64_t push(std::string_view text = "") {
    Request request;
    request.bytes = as_bytes(text);
    const auto sequence = channel_.try_push(request);
    channel_.wake_worker();
    return sequence.value_or(0);
  }
  std::uint64_t take() {
    Request request;
    worker_.take(request);
    return request.sequence;
  }
  void answer(std::size_t size = 0) {
    const std::string text(size, 'x');
    const ByteSpan part = as_bytes(text);
    worker_.publish(Result{}, std::span(&part, 1));
  }
  Channel::Pop pop() {
    Result result;
    return channel_.try_pop(result);
  }
  void fill_and_drain_at(std::string_view point) {
    constexpr int kMoreThanFit = 6;
    int popped = 0;
    at(point, [&] {
      while (pop() == Channel::Pop::kResult) ++popped;
    });
    for (int i = 0; i < kMoreThanFit; ++i) push();
    for (int i = 0; i < kMoreThanFit; ++i) {
      take();
      answer(200'000);
    }
    EXPECT_GT(popped, 0);
  }
  bool rung() const { return os::wait_readable(doorbell_.get(), 0); }

  test::Deadline deadline_{20};
  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  WorkerChannel worker_ = WorkerChannel::over_for_test(channel_, doorbell_.duplicate());

 private:
  static std::string_view channel_point(std::string_view point) {
    const auto found = std::find(kChannelFaultPoints.begin(), kChannelFaultPoints.end(), point);
    EXPECT_NE(found, kChannelFaultPoints.end()) << point;
    return point;
  }

  static inline ChannelInterleavingTest* current = nullptr;
  std::string_view point_;
  std::function<void()> action_ = [] {};
};

TEST_F(ChannelInterleavingTest, RevokedJustBeforeItStarts) {
  const std::uint64_t first = push();
  const std::uint64_t second = push();
  at("channel.take.before_started", [&] { EXPECT_TRUE(channel_.try_revoke(first)); });
  EXPECT_EQ(take(), second);
  EXPECT_EQ(channel_.state_of(first), SlotState::kFree);
}

TEST_F(ChannelInterleavingTest, StartedJustBeforeItIsRevoked) {
  const std::uint64_t sequence = push();
  at("channel.revoke.before_revoked", [&] { EXPECT_EQ(take(), sequence); });
  EXPECT_FALSE(channel_.try_revoke(sequence));
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kStarted);
}

TEST_F(ChannelInterleavingTest, PushedJustBeforeTheWorkerIsMarkedAsSleeping) {
  at("channel.take.before_marked", [&] { push(); });
  EXPECT_EQ(take(), 1u);
}

TEST_F(ChannelInterleavingTest, PushedJustBeforeTheWorkerSleeps) {
  at("channel.take.before_sleep", [&] { push(); });
  EXPECT_EQ(take(), 1u);
}

TEST_F(ChannelInterleavingTest, RoomIsMadeJustBeforeTheWorkerIsMarkedAsWaiting) {
  fill_and_drain_at("channel.space.before_marked");
}

TEST_F(ChannelInterleavingTest, RoomIsMadeJustBeforeTheWorkerWaits) {
  fill_and_drain_at("channel.space.before_sleep");
}

TEST_F(ChannelInterleavingTest, NothingIsSeenBeforeItIsPublished) {
  push();
  take();
  at("channel.publish.before_published", [&] { EXPECT_EQ(pop(), Channel::Pop::kEmpty); });
  answer();
  EXPECT_EQ(pop(), Channel::Pop::kResult);
}

TEST_F(ChannelInterleavingTest, ResultIsThereBeforeItsSlotIsFree) {
  const std::uint64_t sequence = push();
  take();
  at("channel.publish.after_published", [&] {
    EXPECT_EQ(channel_.state_of(sequence), SlotState::kStarted);
    EXPECT_EQ(pop(), Channel::Pop::kResult);
  });
  answer();
  EXPECT_EQ(channel_.state_of(sequence), SlotState::kFree);
}

// The slot of an answered request may not be used before the worker has let go of it.
TEST_F(ChannelInterleavingTest, SlotIsNotUsedAgainBeforeItIsFree) {
  for (std::uint32_t i = 0; i < Channel::kSlots; ++i) EXPECT_NE(push(), 0u);
  take();
  at("channel.publish.after_published", [&] {
    EXPECT_EQ(pop(), Channel::Pop::kResult);
    EXPECT_EQ(push(), 0u);
  });
  answer();
  EXPECT_EQ(push(), Channel::kSlots + 1);
}

TEST_F(ChannelInterleavingTest, PublishedJustAfterArming) {
  push();
  take();
  at("channel.arm.after_armed", [&] { answer(); });
  channel_.arm(0);
  EXPECT_TRUE(channel_.results_waiting());
  EXPECT_TRUE(rung());
}

TEST_F(ChannelInterleavingTest, ArmedJustAfterPublishing) {
  push();
  take();
  at("channel.publish.after_published", [&] {
    channel_.arm(0);
    EXPECT_TRUE(channel_.results_waiting());  // so the coordinator does not sleep
  });
  answer();
}

TEST_F(ChannelInterleavingTest, ResultsTakenJustBeforeRingingAreNotRungFor) {
  push();
  take();
  channel_.arm(0);
  at("channel.publish.after_free", [&] { EXPECT_EQ(pop(), Channel::Pop::kResult); });
  answer();
  EXPECT_FALSE(rung());
}

TEST_F(ChannelInterleavingTest, PushedWhileTheSleeperIsBeingWoken) {
  at("channel.take.before_sleep", [&] {
    push();
    push();
  });
  EXPECT_EQ(take(), 1u);
  answer();
  EXPECT_EQ(take(), 2u);
}

}  // namespace
}  // namespace prong::ipc
