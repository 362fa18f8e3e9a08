#include "pool/worker_link.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "os/clock.h"

namespace prong::pool {
namespace {

constexpr MonotonicNs kMicrosecond = 1'000;

os::Fd copy_of(int fd) {
  return os::Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/// A link and its worker, both in this process.
class WorkerLinkTest : public testing::Test {
 protected:
  void push() { ASSERT_TRUE(link_.push_job(std::make_shared<Job>(++jobs_, JobSpec{}), {}, 1, start_)); }
  void answer() {
    worker_.take(request_);
    ipc::Result result;
    result.kind = ipc::ResultKind::kReturned;
    worker_.publish(result, {});
  }
  void pop(MonotonicNs now) {
    Ending ending;
    ASSERT_EQ(link_.pop(ending, now), WorkerLink::Pop::kEnding);
    link_.answered(now);
  }
  MonotonicNs after(MonotonicNs microseconds) const { return start_ + microseconds * kMicrosecond; }

  WorkerLink link_{1, false};
  ipc::WorkerChannel worker_{copy_of(link_.worker_fds()[0]), copy_of(link_.worker_fds()[1])};
  ipc::Request request_;
  MonotonicNs start_ = os::monotonic_now();
  JobId jobs_ = 0;
};

TEST_F(WorkerLinkTest, WorkerThatAnswersComesAlongHowMuchEverItHas) {
  EXPECT_TRUE(link_.comes_along(after(1000)));  // idle
  for (int i = 0; i < 3; ++i) push();
  EXPECT_TRUE(link_.comes_along(after(200)));
  EXPECT_FALSE(link_.comes_along(after(400)));
  answer();
  pop(after(500));
  EXPECT_TRUE(link_.comes_along(after(700)));
  EXPECT_FALSE(link_.comes_along(after(900)));
}

}  // namespace
}  // namespace prong::pool
