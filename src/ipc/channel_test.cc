#include "ipc/channel.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "ipc/channel_layout.h"
#include "os/clock.h"
#include "os/poller.h"
#include "os/socket.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

/// Both ends on one thread: nothing here may wait.
class ChannelTest : public testing::Test {
 protected:
  std::optional<std::uint64_t> push(std::string_view text = "", std::uint64_t job = 1) {
    Request request;
    request.job = job;
    request.attempt = 2;
    request.bytes = as_bytes(text);
    return channel_.try_push(request);
  }
  void answer(std::string_view text = "", ResultKind kind = ResultKind::kReturned) {
    Result result;
    result.kind = kind;
    const ByteSpan part = as_bytes(text);
    worker_.publish(result, std::span(&part, 1));
  }
  Request take() {
    Request request;
    worker_.take(request);
    return request;
  }
  Result pop() {
    Result result;
    EXPECT_EQ(channel_.try_pop(result), Channel::Pop::kResult);
    return result;
  }
  bool rung() const { return os::wait_readable(doorbell_.get(), 0); }

  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  WorkerChannel worker_{os::Fd(channel_.fd() >= 0 ? channel_duplicate() : -1), doorbell_.duplicate()};

 private:
  int channel_duplicate() {
    os::Fd borrowed(channel_.fd());
    os::Fd copy = borrowed.duplicate();
    borrowed.release();
    return copy.release();
  }
};

TEST_F(ChannelTest, RequestArrivesWhole) {
  const auto sequence = push("hello", 42);
  const Request request = take();
  EXPECT_EQ(request.sequence, sequence);
  EXPECT_EQ(request.kind, RequestKind::kRun);
  EXPECT_EQ(request.job, 42u);
  EXPECT_EQ(request.attempt, 2u);
  EXPECT_EQ(as_text(request.bytes), "hello");
}

TEST_F(ChannelTest, BlockTravelsByNumber) {
  Request sent;
  sent.kind = RequestKind::kDefine;
  sent.block = 7;
  sent.block_size = std::uint64_t{5} << 40;
  channel_.try_push(sent);
  const Request request = take();
  EXPECT_EQ(request.kind, RequestKind::kDefine);
  EXPECT_EQ(request.block, 7u);
  EXPECT_EQ(request.block_size, std::uint64_t{5} << 40);
  EXPECT_TRUE(request.bytes.empty());
}

TEST_F(ChannelTest, ResultArrivesWhole) {
  const auto sequence = push();
  take();
  Result sent;
  sent.kind = ResultKind::kExited;
  sent.code = -3;
  sent.started_ns = 100;
  sent.ended_ns = 200;
  sent.block = 9;
  sent.block_size = 1234;
  sent.output_end = 5;
  sent.error_output_end = 6;
  sent.outputs_spent = true;
  sent.cpu_ns = 70;
  sent.peak_memory = 5'000'000'000;
  const std::vector<ByteSpan> parts{as_bytes("two "), as_bytes(""), as_bytes("parts")};
  worker_.publish(sent, parts);
  const Result result = pop();
  EXPECT_EQ(result.sequence, sequence);
  EXPECT_EQ(result.kind, ResultKind::kExited);
  EXPECT_EQ(result.code, -3);
  EXPECT_EQ(result.started_ns, 100);
  EXPECT_EQ(result.ended_ns, 200);
  EXPECT_EQ(result.block, 9u);
  EXPECT_EQ(result.block_size, 1234u);
  EXPECT_EQ(result.output_end, 5u);
  EXPECT_EQ(result.error_output_end, 6u);
  EXPECT_TRUE(result.outputs_spent);
  EXPECT_EQ(result.cpu_ns, 70);
  EXPECT_EQ(result.peak_memory, 5'000'000'000);
  EXPECT_EQ(result.bytes, "two parts");
  Result none;
  EXPECT_EQ(channel_.try_pop(none), Channel::Pop::kEmpty);
}

TEST_F(ChannelTest, UsageThatMakesNoSenseIsNotKnown) {
  push();
  take();
  Result sent;
  sent.cpu_ns = std::numeric_limits<std::int64_t>::min();
  sent.peak_memory = -2;
  worker_.publish(sent, {});
  const Result result = pop();
  EXPECT_EQ(result.cpu_ns, -1);
  EXPECT_EQ(result.peak_memory, -1);
}

TEST_F(ChannelTest, TimesAreFilledIn) {
  const std::int64_t before = os::monotonic_now();
  const auto sequence = push();
  EXPECT_EQ(channel_.started_at(*sequence, os::monotonic_now()), 0);
  take();
  const std::int64_t started = channel_.started_at(*sequence, os::monotonic_now());
  EXPECT_GE(started, before);
  EXPECT_EQ(channel_.started_at(*sequence, before), before);  // never later than now
  answer();
  const Result result = pop();
  EXPECT_EQ(result.started_ns, started);
  EXPECT_GE(result.ended_ns, started);
}

TEST_F(ChannelTest, StatesOfARequest) {
  const auto sequence = push();
  EXPECT_EQ(channel_.state_of(*sequence), SlotState::kReady);
  take();
  EXPECT_EQ(channel_.state_of(*sequence), SlotState::kStarted);
  answer();
  EXPECT_EQ(channel_.state_of(*sequence), SlotState::kFree);
  pop();
  EXPECT_EQ(channel_.state_of(*sequence), SlotState::kFree);
  EXPECT_EQ(channel_.state_of(0), SlotState::kDamaged);
  EXPECT_EQ(channel_.state_of(*sequence + 1), SlotState::kDamaged);
}

TEST_F(ChannelTest, RevokedRequestNeverRuns) {
  const auto first = push("first");
  const auto second = push("second");
  EXPECT_TRUE(channel_.try_revoke(*first));
  EXPECT_FALSE(channel_.try_revoke(*first));
  EXPECT_EQ(channel_.state_of(*first), SlotState::kRevoked);
  EXPECT_EQ(take().sequence, second);
  EXPECT_EQ(channel_.state_of(*first), SlotState::kFree);
  EXPECT_FALSE(channel_.try_revoke(*second));
  answer();
  EXPECT_FALSE(channel_.try_revoke(*second));
  EXPECT_EQ(pop().sequence, second);
}

TEST_F(ChannelTest, SlotsRunOutAndComeBack) {
  for (std::uint32_t i = 0; i < Channel::kSlots; ++i) EXPECT_TRUE(push());
  EXPECT_FALSE(push());
  take();
  answer();
  EXPECT_FALSE(push());  // its result has not been seen
  pop();
  EXPECT_TRUE(push());
  EXPECT_FALSE(push());
}

TEST_F(ChannelTest, SlotOfARevokedRequestComesBackWhenPassedOver) {
  const auto first = push();
  for (std::uint32_t i = 1; i < Channel::kSlots; ++i) push();
  channel_.try_revoke(*first);
  EXPECT_FALSE(push());
  take();
  EXPECT_TRUE(push());
  EXPECT_FALSE(push());
}

TEST_F(ChannelTest, LongUseKeepsEveryByte) {
  std::string text;
  for (std::size_t round = 0; round < 3000; ++round) {
    const std::size_t size = round * 7919 % (kInlineLimit + 1);
    text.assign(round % 16 == 0 ? size : size % 3000, static_cast<char>('a' + round % 26));
    ASSERT_TRUE(push(text)) << round;
    ASSERT_EQ(as_text(take().bytes), text);
    answer(text);
    ASSERT_EQ(pop().bytes, text);
  }
}

TEST_F(ChannelTest, ArenaBeginsAgainWhenNothingIsOutstanding) {
  push(std::string(1000, 'x'));
  const std::byte* first = take().bytes.data();
  answer();
  pop();
  push(std::string(1000, 'y'));
  EXPECT_EQ(take().bytes.data(), first);
}

TEST_F(ChannelTest, ArenaRunsOutAndComesBack) {
  const std::string large(kInlineLimit, 'x');
  for (std::size_t i = 0; i < kRequestArenaSize / kInlineLimit; ++i) EXPECT_TRUE(push(large));
  EXPECT_FALSE(push(large));
  take();
  answer();
  pop();
  EXPECT_FALSE(push(large));  // the same room would make full look like empty
  EXPECT_TRUE(push(large.substr(1000)));
}

TEST_F(ChannelTest, RoomOfARevokedRequestComesBackAtOnce) {
  const std::string large(kInlineLimit, 'x');
  std::vector<std::uint64_t> sequences;
  while (const auto sequence = push(large)) sequences.push_back(*sequence);
  EXPECT_TRUE(channel_.try_revoke(sequences[0]));
  EXPECT_TRUE(channel_.try_revoke(sequences[1]));
  EXPECT_TRUE(push(large));
}

TEST_F(ChannelTest, NoticeDoesNotEndTheRequest) {
  const auto sequence = push();
  take();
  Result notice;
  notice.kind = ResultKind::kNeedBlock;
  notice.block_size = 1 << 30;
  worker_.publish_notice(notice);
  EXPECT_EQ(pop().block_size, 1u << 30);
  EXPECT_EQ(channel_.state_of(*sequence), SlotState::kStarted);
  answer("end");
  EXPECT_EQ(pop().bytes, "end");
}

TEST_F(ChannelTest, DoorbellRingsOncePerArming) {
  push();
  push();
  channel_.arm(5);
  take();
  EXPECT_FALSE(rung());
  answer();
  EXPECT_TRUE(rung());
  os::silence(doorbell_.get());
  take();
  answer();
  EXPECT_FALSE(rung());
}

TEST_F(ChannelTest, DoorbellIsSilentWhileTheCoordinatorIsAwake) {
  push();
  channel_.arm(5);
  channel_.disarm();
  take();
  answer();
  EXPECT_FALSE(rung());
}

TEST_F(ChannelTest, DoorbellWaitsUntilFewRequestsRemain) {
  for (int i = 0; i < 4; ++i) push();
  channel_.arm(1);
  take();
  answer();  // three are left
  EXPECT_FALSE(rung());
  take();  // two are left, a result waits
  EXPECT_FALSE(rung());
  answer();
  EXPECT_FALSE(rung());
  take();  // one is left
  EXPECT_TRUE(rung());
}

TEST_F(ChannelTest, RevokedRequestsKeepNoResultBack) {
  push();
  const auto second = push();
  const auto third = push();
  channel_.try_revoke(*second);
  channel_.try_revoke(*third);
  channel_.arm(0);
  take();
  answer();
  std::thread worker([&] { take(); });  // passes over them, and finds nothing
  EXPECT_TRUE(os::wait_readable(doorbell_.get(), os::monotonic_now() + 10'000'000'000));
  push();
  channel_.wake_worker();
  worker.join();
}

TEST_F(ChannelTest, NoticeRingsHoweverManyRemain) {
  for (int i = 0; i < 10; ++i) push();
  channel_.arm(0);
  take();
  Result notice;
  notice.kind = ResultKind::kNeedBlock;
  worker_.publish_notice(notice);
  EXPECT_TRUE(rung());
}

TEST_F(ChannelTest, ArmingWithEveryNumberIsSafe) {
  push();
  channel_.arm(0xFFFFFFFF);
  take();
  answer();
  EXPECT_TRUE(rung());
}

TEST_F(ChannelTest, WorkerCpuIsSeen) {
  push();
  take();
  EXPECT_GE(channel_.worker_cpu(), 0);
}

TEST_F(ChannelTest, OnlyOwnSegmentsAreAccepted) {
  EXPECT_THROW(WorkerChannel(os::create_memfd("small", 4096), os::create_eventfd()), Error);
  EXPECT_THROW(WorkerChannel(os::create_memfd("empty", sizeof(ChannelLayout)), os::create_eventfd()), Error);
}

/// The same, with the worker on a thread of its own.
class ChannelThreadTest : public testing::Test {
 protected:
  /// Echoes until kFinish.
  void serve() {
    Request request;
    do {
      worker_.take(request);
      const ByteSpan part = request.bytes;
      worker_.publish(Result{}, std::span(&part, 1));
    } while (request.kind != RequestKind::kFinish);
  }
  void push(std::string_view text, RequestKind kind = RequestKind::kRun) {
    Request request;
    request.kind = kind;
    request.bytes = as_bytes(text);
    while (!channel_.try_push(request)) std::this_thread::yield();
    channel_.wake_worker();
  }
  std::string pop_asleep() {
    Result result;
    Channel::Pop popped;
    while ((popped = channel_.try_pop(result)) == Channel::Pop::kEmpty) {
      channel_.arm(0);
      if (!channel_.results_waiting()) os::wait_readable(doorbell_.get(), -1);
      channel_.disarm();
      os::silence(doorbell_.get());
    }
    EXPECT_EQ(popped, Channel::Pop::kResult);
    return result.bytes;
  }

  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  WorkerChannel worker_ = WorkerChannel::over_for_test(channel_, doorbell_.duplicate());
};

TEST_F(ChannelThreadTest, NoWakeUpIsLost) {
  std::thread worker([this] { serve(); });
  for (int i = 0; i < 20'000; ++i) {
    push(std::to_string(i));
    ASSERT_EQ(pop_asleep(), std::to_string(i));
  }
  push("", RequestKind::kFinish);
  worker.join();
}

TEST_F(ChannelThreadTest, FullRingHoldsTheWorkerBackAndLosesNothing) {
  std::thread worker([this] { serve(); });
  const std::string large(200'000, 'x');
  int popped = 0;
  Result result;
  for (int pushed = 0; popped < 600;) {
    Request request;
    request.bytes = as_bytes(large);
    while (pushed < 600 && channel_.try_push(request)) ++pushed;
    channel_.wake_worker();
    os::wait_readable(doorbell_.get(), os::monotonic_now() + 1'000'000);
    os::silence(doorbell_.get());
    while (channel_.try_pop(result) == Channel::Pop::kResult) {
      ASSERT_EQ(result.bytes.size(), large.size());
      ++popped;
    }
  }
  push("", RequestKind::kFinish);
  worker.join();
}

}  // namespace
}  // namespace prong::ipc
