// The worker is killed at every fault point of its side. Afterwards the coordinator drains the channel and judges each
// request; what the dead worker really did stands in a log that both share.
#include <gtest/gtest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/channel_fault_points.h"
#include "ipc/channel_layout.h"
#include "os/poller.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

constexpr std::size_t kRequests = 40;

/// What the worker did, written before (began, answering) and after (answered) it did it.
struct Log {
  std::array<std::atomic<int>, kRequests> began{};
  std::array<std::atomic<int>, kRequests> answering{};
  std::array<std::atomic<int>, kRequests> answered{};
};

/// How both sides behave, so that the point is reached.
struct Behaviour {
  std::size_t result_size = 10;
  bool drain = true;       ///< the coordinator takes results
  bool arm = false;        ///< the coordinator has armed the doorbell
  bool notices = false;    ///< the worker publishes a notice before each result
  bool late_push = false;  ///< nothing is pushed while the worker is awake
};

enum class Verdict { kNeverBegan, kBegan, kFinished };

std::string payload_of(std::size_t index, std::size_t size) {
  return std::string(size, static_cast<char>('a' + index % 26));
}

class Crash {
 public:
  explicit Crash(Behaviour behaviour) : behaviour_(behaviour) {
    if (behaviour_.late_push) return;
    while (push_one()) continue;
    revoke(3);
    revoke(4);
  }

  /// Runs until the worker has died; it calls `prepare` before its first request.
  template <typename Prepare>
  void run(Prepare prepare) {
    if (behaviour_.arm) channel_.arm(64);
    const int fd = channel_.fd();
    test::Child worker([&] {
      prepare();
      work(fd);
    });
    while (!worker.ended() && finished_ < kRequests - 2) step();
    killed_ = worker.ended() && worker.was_killed();
    worker.kill();  // death is confirmed: now the results are drained, and then the slots judged
    drain();
  }

  bool killed() const { return killed_; }

  /// Judges every request and compares with the log. Returns how many began and did not finish.
  int judge() {
    int began = 0;
    for (std::size_t i = 0; i < pushed_.size(); ++i) {
      const Verdict verdict = verdict_on(i);
      check_against_log(i, verdict);
      began += verdict == Verdict::kBegan ? 1 : 0;
    }
    EXPECT_LE(began, 1);
    return began;
  }

  int notices() const { return notices_; }

 private:
  bool push_one() {
    if (pushed_.size() == kRequests) return false;
    Request request;
    request.job = pushed_.size();
    const auto sequence = channel_.try_push(request);
    if (sequence) pushed_.push_back(*sequence);
    return sequence.has_value();
  }

  void revoke(std::size_t index) { revoked_[index] = channel_.try_revoke(pushed_[index]); }

  void step() {
    if (!behaviour_.late_push || layout().sleepers.sleeps == 1) push_one();
    channel_.wake_worker();
    if (behaviour_.arm && behaviour_.drain) channel_.arm(64);
    if (behaviour_.drain) drain();
    ::sched_yield();
  }

  void drain() {
    Result result;
    for (;;) {
      const Channel::Pop popped = channel_.try_pop(result);
      ASSERT_NE(popped, Channel::Pop::kDamaged);
      if (popped == Channel::Pop::kEmpty) return;
      take_in(result);
    }
  }

  void take_in(const Result& result) {
    if (result.kind == ResultKind::kNeedBlock) {
      ++notices_;
      return;
    }
    ++finished_;
    const std::size_t index = result.sequence - 1;
    EXPECT_EQ(result.bytes, payload_of(index, behaviour_.result_size));
    EXPECT_EQ(results_[index]++, 0) << "counted twice";
  }

  void work(int fd) {
    WorkerChannel channel{os::Fd(fd), doorbell_.duplicate()};
    Request request;
    for (;;) {
      channel.take(request);
      log_->began[request.job] = 1;
      const std::string text = payload_of(request.job, behaviour_.result_size);
      const ByteSpan part = as_bytes(text);
      Result result;
      result.kind = ResultKind::kNeedBlock;
      if (behaviour_.notices) channel.publish_notice(result);
      log_->answering[request.job] = 1;
      result.kind = ResultKind::kReturned;
      channel.publish(result, std::span(&part, 1));
      log_->answered[request.job] = 1;
    }
  }

  Verdict verdict_on(std::size_t index) {
    const SlotState state = channel_.state_of(pushed_[index]);
    EXPECT_NE(state, SlotState::kDamaged);
    if (results_[index] > 0) return Verdict::kFinished;
    if (revoked_[index]) {
      EXPECT_TRUE(state == SlotState::kRevoked || state == SlotState::kFree);
      return Verdict::kNeverBegan;
    }
    EXPECT_NE(state, SlotState::kFree) << "its result is lost";
    if (state == SlotState::kStarted) return Verdict::kBegan;
    EXPECT_TRUE(channel_.try_revoke(pushed_[index]));
    return Verdict::kNeverBegan;
  }

  void check_against_log(std::size_t index, Verdict verdict) {
    if (verdict == Verdict::kNeverBegan) {
      EXPECT_EQ(log_->began[index], 0) << index;
    }
    if (verdict == Verdict::kFinished) {
      EXPECT_EQ(log_->answering[index], 1) << index;
    }
    if (log_->answered[index] != 0) {
      EXPECT_EQ(verdict, Verdict::kFinished) << index;
    }
  }

  const ChannelLayout& layout() const { return *reinterpret_cast<const ChannelLayout*>(seen_.data()); }

  Behaviour behaviour_;
  test::Shared<Log> log_;
  os::Fd doorbell_ = os::create_eventfd();
  Channel channel_;
  os::Mapping seen_{channel_.fd(), sizeof(ChannelLayout), os::Mapping::Mode::kShared};
  std::vector<std::uint64_t> pushed_;
  std::array<bool, kRequests> revoked_{};
  std::array<int, kRequests> results_{};
  std::size_t finished_ = 0;
  int notices_ = 0;
  bool killed_ = false;
};

struct Expected {
  Behaviour behaviour;
  int began;  ///< how many requests began and have no result
};

const Behaviour kPlain{};
const Behaviour kLarge{.result_size = 250'000};
const Behaviour kFull{.result_size = 250'000, .drain = false};
const Behaviour kArmed{.drain = false, .arm = true};
const Behaviour kNotices{.notices = true};
const Behaviour kLate{.late_push = true};

const std::map<std::string_view, Expected> kWorkerPoints{
    {"channel.take.before_started", {kPlain, 0}},      {"channel.take.after_started", {kPlain, 1}},
    {"channel.take.before_passed", {kPlain, 0}},       {"channel.take.after_passed", {kPlain, 0}},
    {"channel.take.before_marked", {kLate, 0}},        {"channel.take.before_sleep", {kLate, 0}},
    {"channel.take.after_sleep", {kLate, 0}},          {"channel.write.before_skip", {kLarge, 1}},
    {"channel.write.after_skip", {kLarge, 1}},         {"channel.publish.before_published", {kPlain, 1}},
    {"channel.publish.after_published", {kPlain, 0}},  {"channel.publish.after_free", {kPlain, 0}},
    {"channel.notice.after_published", {kNotices, 1}}, {"channel.ring.before_doorbell", {kArmed, 0}},
    {"channel.ring.after_doorbell", {kArmed, 0}},      {"channel.space.before_marked", {kFull, 1}},
    {"channel.space.before_sleep", {kFull, 1}},
};

/// Those that the coordinator passes (coordinator_crash_test.cc), and those of batches (batch_crash_test.cc).
bool is_elsewhere(std::string_view point) {
  for (const char* side :
       {"channel.items.", "channel.push.", "channel.revoke.", "channel.pop.", "channel.wake", "channel.arm."}) {
    if (point.starts_with(side)) return true;
  }
  return false;
}

class WorkerCrashTest : public testing::TestWithParam<std::string_view> {};

TEST_P(WorkerCrashTest, EveryRequestIsJudgedRightly) {
  const auto expected = kWorkerPoints.find(GetParam());
  ASSERT_NE(expected, kWorkerPoints.end()) << "this fault point has no test";
  Crash crash(expected->second.behaviour);
  crash.run([] { base::die_at_fault_point(GetParam()); });
  EXPECT_TRUE(crash.killed()) << "the worker did not reach the fault point";
  EXPECT_EQ(crash.judge(), expected->second.began);
  EXPECT_EQ(crash.notices() > 0, expected->second.behaviour.notices);
}

TEST_P(WorkerCrashTest, LaterTimesToo) {
  const auto expected = kWorkerPoints.find(GetParam());
  ASSERT_NE(expected, kWorkerPoints.end());
  Behaviour behaviour = expected->second.behaviour;
  behaviour.drain = true;  // a full ring and a silent doorbell would be reached only once
  for (const int nth : {2, 7}) {
    Crash crash(behaviour);
    crash.run([nth] { base::die_at_fault_point(GetParam(), nth); });
    crash.judge();
  }
}

std::vector<std::string_view> workers_points() {
  std::vector<std::string_view> points;
  for (const std::string_view point : kChannelFaultPoints) {
    if (!is_elsewhere(point)) points.push_back(point);
  }
  return points;
}

std::string test_name(const testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param.substr(sizeof "channel." - 1));
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Points, WorkerCrashTest, testing::ValuesIn(workers_points()), test_name);

TEST(WorkerCrashTableTest, HasNoPointThatIsGone) {
  for (const auto& [point, expected] : kWorkerPoints) {
    EXPECT_NE(std::find(kChannelFaultPoints.begin(), kChannelFaultPoints.end(), point), kChannelFaultPoints.end());
  }
}

/// Kills itself at a random one of all points, any time.
void die_anywhere(unsigned seed) {
  static std::atomic<int> countdown;
  countdown = static_cast<int>(std::minstd_rand(seed)() % 150);
  base::fault_hook = [](std::string_view) {
    if (countdown.fetch_sub(1) == 0) std::raise(SIGKILL);
  };
}

TEST(WorkerCrashAnywhereTest, EveryRequestIsJudgedRightly) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Crash crash({.result_size = seed % 3 == 0 ? 200'000u : 100u, .arm = seed % 2 == 0, .notices = seed % 5 == 0});
    crash.run([seed] { die_anywhere(seed); });
    crash.judge();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace prong::ipc
