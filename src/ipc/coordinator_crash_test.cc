// The coordinator is killed at every fault point of its side. The worker, which lives on until somebody kills it, must
// run what was completely pushed, once, and nothing else; then it must be waiting, not stuck elsewhere.
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "ipc/channel.h"
#include "ipc/channel_fault_points.h"
#include "ipc/channel_layout.h"
#include "os/futex.h"
#include "os/poller.h"
#include "os/socket.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

constexpr std::size_t kRequests = 30;

struct Log {
  // Coordinator
  std::array<std::atomic<int>, kRequests> pushing{};
  std::array<std::atomic<int>, kRequests> pushed{};
  std::array<std::atomic<int>, kRequests> revoking{};
  std::array<std::atomic<int>, kRequests> revoked{};
  std::array<std::atomic<int>, kRequests> popped{};
  // Worker
  std::array<std::atomic<int>, kRequests> began{};
  std::array<std::atomic<int>, kRequests> answering{};
};

struct Behaviour {
  bool worker_first = false;     ///< the worker runs beside the coordinator, not only after its death
  bool await_sleeper = false;    ///< the coordinator pushes only while the worker sleeps
  bool await_full_ring = false;  ///< the coordinator takes results only while the worker waits for room
  std::size_t result_size = 10;
};

/// What becomes of the request that the coordinator was busy with when it died.
enum class InFlight { kNone, kRuns, kNeverRuns };

struct Expected {
  Behaviour behaviour;
  InFlight in_flight = InFlight::kNone;
};

const Behaviour kSleeper{.worker_first = true, .await_sleeper = true};
const Behaviour kFull{.worker_first = true, .await_full_ring = true, .result_size = 250'000};
const Behaviour kBeside{.worker_first = true};

const std::map<std::string_view, Expected> kCoordinatorPoints{
    {"channel.push.before_ready", {{}, InFlight::kNeverRuns}},
    {"channel.push.after_ready", {{}, InFlight::kRuns}},
    {"channel.revoke.before_revoked", {{}, InFlight::kRuns}},
    {"channel.revoke.after_revoked", {{}, InFlight::kNeverRuns}},
    {"channel.pop.before_taken", {kBeside}},
    {"channel.pop.after_taken", {kBeside}},
    {"channel.wake.before_futex", {kSleeper}},
    {"channel.wake_space.before_futex", {kFull}},
    {"channel.arm.after_armed", {}},
};

class Crash {
 public:
  explicit Crash(Behaviour behaviour) : behaviour_(behaviour) {}

  template <typename Prepare>
  void run(Prepare prepare) {
    const auto [here, there] = os::socket_pair();
    test::Child coordinator([&] { coordinate(there.get(), prepare); });
    receive_segment(here.get());
    if (behaviour_.worker_first) start_worker();
    coordinator.wait();
    killed_ = coordinator.was_killed();
    if (!worker_) start_worker();
    wait_until_worker_waits();
  }

  bool killed() const { return killed_; }
  bool worker_lives() { return !worker_->ended(); }
  bool rung() const { return os::wait_readable(doorbell_.get(), 0); }

  void check(InFlight in_flight) const {
    for (std::size_t i = 0; i < kRequests; ++i) {
      SCOPED_TRACE(i);
      EXPECT_LE(log_->began[i], 1);
      EXPECT_LE(log_->popped[i], log_->answering[i]);
      if (log_->revoked[i] != 0) {
        EXPECT_EQ(log_->began[i], 0);
      } else if (log_->revoking[i] == 1 || (log_->pushing[i] != 0 && log_->pushed[i] == 0)) {
        EXPECT_EQ(log_->began[i], in_flight == InFlight::kRuns ? 1 : 0);
      } else if (log_->pushed[i] == 0) {
        EXPECT_EQ(log_->began[i], 0);
      } else if (!waits_for_space()) {
        EXPECT_EQ(log_->began[i], 1);
      }
    }
  }

 private:
  template <typename Prepare>
  void coordinate(int socket, Prepare prepare) {
    Channel channel;
    const int fd = channel.fd();
    os::send_message(socket, as_bytes("segment"), std::span(&fd, 1));
    seen_ = os::Mapping(fd, sizeof(ChannelLayout), os::Mapping::Mode::kShared);
    prepare();
    for (std::size_t i = 0; i < kRequests; ++i) push(channel, i);
    channel.arm(64);
    while (log_->popped[kRequests - 1] == 0 && behaviour_.worker_first) pop(channel);
  }

  void push(Channel& channel, std::size_t index) {
    while (behaviour_.await_sleeper && layout().sleepers.sleeps == 0) ::sched_yield();
    Request request;
    request.job = index;
    log_->pushing[index] = 1;
    const auto sequence = channel.try_push(request);
    log_->pushed[index] = 1;
    if (index % 4 == 3) revoke(channel, *sequence, index);
    channel.wake_worker();
  }

  void revoke(Channel& channel, std::uint64_t sequence, std::size_t index) {
    log_->revoking[index] = 1;
    log_->revoked[index] = channel.try_revoke(sequence) ? 1 : 0;
    log_->revoking[index] = 2;
  }

  void pop(Channel& channel) {
    if (behaviour_.await_full_ring && layout().sleepers.waits_for_space == 0) return;
    Result result;
    if (channel.try_pop(result) != Channel::Pop::kResult) return;
    log_->popped[result.sequence - 1]++;
  }

  void receive_segment(int socket) {
    os::wait_readable(socket, -1);
    std::array<std::byte, 16> room;
    std::vector<os::Fd> fds;
    os::receive_message(socket, room, fds);
    segment_ = std::move(fds.at(0));
    seen_ = os::Mapping(segment_.get(), sizeof(ChannelLayout), os::Mapping::Mode::kShared);
  }

  void start_worker() {
    worker_ = std::make_unique<test::Child>([this] { work(); });
  }

  void work() {
    WorkerChannel channel(segment_.duplicate(), doorbell_.duplicate());
    const std::string text(behaviour_.result_size, 'x');
    const ByteSpan part = as_bytes(text);
    Request request;
    for (;;) {
      channel.take(request);
      log_->began[request.job]++;
      log_->answering[request.job] = 1;
      channel.publish(Result{}, std::span(&part, 1));
    }
  }

  // A coordinator that dies between clearing a sleeper's mark and waking it leaves it asleep without a mark; sleepers
  // must bear being woken for nothing, so both are woken here.
  void wait_until_worker_waits() {
    while (!worker_->ended() && !is_idle() && !waits_for_space()) {
      os::futex_wake(layout().sleepers.sleeps, std::numeric_limits<int>::max());
      os::futex_wake(layout().sleepers.waits_for_space, std::numeric_limits<int>::max());
      ::sched_yield();
    }
  }

  bool is_idle() const {
    const bool busy = std::any_of(layout().slots.begin(), layout().slots.end(),
                                  [](const Slot& slot) { return state_in(slot.word) != WordState::kFree; });
    return !busy && layout().sleepers.sleeps == 1;
  }

  bool waits_for_space() const {
    return layout().sleepers.waits_for_space == 1 && layout().coordinator.results_taken < layout().worker.space_wanted;
  }

  ChannelLayout& layout() const { return *reinterpret_cast<ChannelLayout*>(seen_.data()); }

  Behaviour behaviour_;
  test::Shared<Log> log_;
  os::Fd doorbell_ = os::create_eventfd();
  os::Fd segment_;
  os::Mapping seen_;
  std::unique_ptr<test::Child> worker_;
  bool killed_ = false;
};

bool is_workers(std::string_view point) {
  for (const char* side : {"channel.take.", "channel.write.", "channel.publish.", "channel.notice.", "channel.ring.",
                           "channel.space.", "channel.items."}) {
    if (point.starts_with(side)) return true;
  }
  return false;
}

class CoordinatorCrashTest : public testing::TestWithParam<std::string_view> {};

TEST_P(CoordinatorCrashTest, WorkerRunsWhatWasPushedAndWaits) {
  const auto expected = kCoordinatorPoints.find(GetParam());
  ASSERT_NE(expected, kCoordinatorPoints.end()) << "this fault point has no test";
  for (const int nth : {1, 2, 6}) {
    if (nth > 1 && GetParam() == "channel.arm.after_armed") break;  // reached once
    SCOPED_TRACE(nth);
    const test::Deadline deadline(40);
    Crash crash(expected->second.behaviour);
    crash.run([nth] { base::die_at_fault_point(GetParam(), nth); });
    EXPECT_TRUE(crash.killed()) << "the coordinator did not reach the fault point";
    EXPECT_TRUE(crash.worker_lives());
    crash.check(expected->second.in_flight);
  }
}

std::vector<std::string_view> coordinators_points() {
  std::vector<std::string_view> points;
  for (const std::string_view point : kChannelFaultPoints) {
    if (!is_workers(point)) points.push_back(point);
  }
  return points;
}

std::string test_name(const testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param.substr(sizeof "channel." - 1));
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Points, CoordinatorCrashTest, testing::ValuesIn(coordinators_points()), test_name);

TEST(CoordinatorCrashTableTest, HasNoPointThatIsGone) {
  for (const auto& [point, expected] : kCoordinatorPoints) {
    EXPECT_NE(std::find(kChannelFaultPoints.begin(), kChannelFaultPoints.end(), point), kChannelFaultPoints.end());
  }
}

// Whoever inherits the doorbell of a dead coordinator is told of the results that it had asked for.
TEST(CoordinatorCrashDoorbellTest, ArmedDoorbellIsRung) {
  const test::Deadline deadline(40);
  Crash crash({});
  crash.run([] { base::die_at_fault_point("channel.arm.after_armed"); });
  EXPECT_TRUE(crash.rung());
}

}  // namespace
}  // namespace prong::ipc
