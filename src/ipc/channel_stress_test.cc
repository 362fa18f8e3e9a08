// Two processes, a million messages: random sizes, revokes, a ring that is full and wraps around, sleeping and waking.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include "ipc/channel.h"
#include "ipc/channel_layout.h"
#include "os/poller.h"
#include "os/socket.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

/// How many messages a build can send in a few seconds.
constexpr std::uint64_t messages(std::uint64_t in_a_plain_build) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return in_a_plain_build / 20;
#else
  return in_a_plain_build;
#endif
}

/// The payload of each message follows from its number, so that nothing needs to be remembered.
std::size_t size_of(std::uint64_t number) {
  std::minstd_rand random(static_cast<unsigned>(number) + 1);
  const auto kind = random() % 100;
  if (kind == 0) return random() % (kInlineLimit + 1);
  return random() % (kind < 20 ? 3000 : 100);
}

std::string_view payload_of(std::uint64_t number, std::size_t size) {
  static const std::string kBytes = [] {
    std::string bytes;
    std::minstd_rand random(1);
    while (bytes.size() < kInlineLimit + 256) bytes.push_back(static_cast<char>(random()));
    return bytes;
  }();
  return std::string_view(kBytes).substr(number % 256, size);
}

/// Answers each request with a payload of another size; the sum of what it began goes out with the last answer.
void serve(WorkerChannel& channel) {
  Request request;
  do {
    channel.take(request);
    const bool whole = as_text(request.bytes) == payload_of(request.job, request.bytes.size());
    const ByteSpan part = as_bytes(payload_of(request.job + 1, size_of(request.job + 1)));
    Result result;
    result.code = whole ? 0 : 1;
    channel.publish(result, std::span(&part, 1));
  } while (request.kind != RequestKind::kFinish);
}

class Sender {
 public:
  explicit Sender(std::uint64_t count) : count_(count) {}

  Channel& channel() { return channel_; }
  const os::Fd& doorbell() const { return doorbell_; }

  void run() {
    while (next_ < count_ || answered_ + revoked_ < next_) {
      push_some();
      revoke_sometimes();
      if (pop_some() == 0) sleep();
      if (testing::Test::HasFatalFailure()) return;
    }
    finish();
  }
  std::uint64_t revoked() const { return revoked_; }

 private:
  void push_some() {
    bool pushed = false;
    for (std::uint64_t burst = random_() % 80; burst > 0 && next_ < count_ && push(RequestKind::kRun); --burst) {
      pushed = true;
    }
    if (pushed) channel_.wake_worker();
  }

  bool push(RequestKind kind) {
    Request request;
    request.kind = kind;
    request.job = next_;
    request.bytes = as_bytes(payload_of(next_, size_of(next_)));
    const auto sequence = channel_.try_push(request);
    if (!sequence) return false;
    open_[*sequence % open_.size()] = {*sequence, next_++};
    last_ = *sequence;
    return true;
  }

  void revoke_sometimes() {
    if (random_() % 4 != 0 || last_ == 0) return;
    if (!channel_.try_revoke(last_)) return;
    open_[last_ % open_.size()] = {};
    ++revoked_;
  }

  int pop_some() {
    int popped = 0;
    Channel::Pop got;
    while ((got = channel_.try_pop(result_)) == Channel::Pop::kResult) {
      check_result();
      ++popped;
    }
    EXPECT_EQ(got, Channel::Pop::kEmpty);
    return popped;
  }

  void check_result() {
    auto& open = open_[result_.sequence % open_.size()];
    ASSERT_EQ(open.sequence, result_.sequence) << "revoked, or answered twice";
    ASSERT_EQ(result_.code, 0) << "the request arrived damaged";
    ASSERT_EQ(result_.bytes, payload_of(open.number + 1, size_of(open.number + 1)));
    ASSERT_GT(result_.sequence, last_answered_) << "out of order";
    last_answered_ = result_.sequence;
    open = {};
    ++answered_;
  }

  void sleep() {
    channel_.arm(static_cast<std::uint32_t>(random_() % 10));
    // If nothing is under way, nothing will ring.
    if (!channel_.results_waiting() && answered_ + revoked_ < next_) os::wait_readable(doorbell_.get(), -1);
    channel_.disarm();
    os::silence(doorbell_.get());
  }

  void finish() {
    while (!push(RequestKind::kFinish)) std::this_thread::yield();
    channel_.wake_worker();
    while (answered_ + revoked_ < next_) {
      if (pop_some() == 0) sleep();
    }
  }

  struct Open {
    std::uint64_t sequence = 0;
    std::uint64_t number = 0;
  };

  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  std::mt19937 random_{99};
  std::array<Open, Channel::kSlots> open_{};
  Result result_;
  std::uint64_t count_;
  std::uint64_t next_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t last_answered_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t revoked_ = 0;
};

TEST(ChannelStressTest, TwoProcesses) {
  const test::Deadline deadline(50);
  Sender sender(messages(1'000'000));
  const int fd = sender.channel().fd();
  test::Child worker([&] {
    ::alarm(50);
    WorkerChannel channel{os::Fd(fd), sender.doorbell().duplicate()};
    serve(channel);
  });
  sender.run();
  worker.wait();
  EXPECT_TRUE(worker.ended_well());
  EXPECT_GT(sender.revoked(), 0u);
}

// One mapping for both sides, so that ThreadSanitizer sees which accesses belong together.
TEST(ChannelStressTest, TwoThreads) {
  const test::Deadline deadline(50);
  Sender sender(messages(200'000));
  WorkerChannel channel = WorkerChannel::over_for_test(sender.channel(), sender.doorbell().duplicate());
  std::thread worker([&] { serve(channel); });
  sender.run();
  worker.join();
  EXPECT_GT(sender.revoked(), 0u);
}

// Nobody takes results until the worker cannot go on.
TEST(ChannelStressTest, FullRingHoldsTheWorkerBack) {
  const test::Deadline deadline(50);
  Channel channel;
  const os::Fd doorbell = os::create_eventfd();
  const os::Mapping seen(channel.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared);
  const auto& layout = *reinterpret_cast<const ChannelLayout*>(seen.data());
  const int fd = channel.fd();
  test::Child worker([&] {
    WorkerChannel own{os::Fd(fd), doorbell.duplicate()};
    const ByteSpan part = as_bytes(payload_of(0, kInlineLimit));
    for (Request request;;) {
      own.take(request);
      own.publish(Result{}, std::span(&part, 1));
    }
  });
  int popped = 0;
  for (int round = 0; round < 50; ++round) {
    while (channel.try_push(Request{})) continue;
    channel.wake_worker();
    while (layout.sleepers.waits_for_space == 0) std::this_thread::yield();
    EXPECT_TRUE(os::wait_readable(doorbell.get(), -1));  // also without being armed
    os::silence(doorbell.get());
    Result result;
    while (channel.try_pop(result) == Channel::Pop::kResult) {
      ASSERT_EQ(result.bytes, payload_of(0, kInlineLimit));
      ++popped;
    }
  }
  EXPECT_GT(popped, 100);
}

}  // namespace
}  // namespace prong::ipc
