#include "os/poller.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "os/check.h"
#include "os/clock.h"

namespace prong::os {
namespace {

// Old kernels do not know epoll_pwait2 (ENOSYS), old container profiles refuse what they do not know (EPERM).
std::atomic<bool> has_nanosecond_wait{true};

timespec remaining(std::int64_t deadline_ns) noexcept {
  const std::int64_t ns = deadline_ns <= 0 ? 0 : std::max<std::int64_t>(0, deadline_ns - monotonic_now());
  return {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
}

using Events = std::array<epoll_event, 64>;

int wait_nanoseconds(int epoll, Events& events, std::int64_t deadline_ns, const sigset_t* mask) noexcept {
  const timespec timeout = remaining(deadline_ns);
  return ::epoll_pwait2(epoll, events.data(), static_cast<int>(events.size()), deadline_ns < 0 ? nullptr : &timeout,
                        mask);
}

/// One call more, but as exact: epoll_pwait knows milliseconds only.
int wait_with_ppoll(int epoll, Events& events, std::int64_t deadline_ns, const sigset_t* mask) noexcept {
  pollfd waited{.fd = epoll, .events = POLLIN, .revents = 0};
  const timespec timeout = remaining(deadline_ns);
  const int ready = ::ppoll(&waited, 1, deadline_ns < 0 ? nullptr : &timeout, mask);
  if (ready <= 0) return ready;
  return ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
}

int wait_for_events(int epoll, Events& events, std::int64_t deadline_ns, const sigset_t* mask) noexcept {
  if (has_nanosecond_wait.load(std::memory_order_relaxed)) {
    const int count = wait_nanoseconds(epoll, events, deadline_ns, mask);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    has_nanosecond_wait.store(false, std::memory_order_relaxed);
  }
  return wait_with_ppoll(epoll, events, deadline_ns, mask);
}

}  // namespace

Poller::Poller() : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "create an epoll descriptor")) {}

void Poller::add(int fd, std::uint64_t token, Trigger trigger, What what) {
  epoll_event event{};
  event.events = EPOLLRDHUP;
  if (what == What::kReadable) event.events |= EPOLLIN;
  if (trigger == Trigger::kEdge) event.events |= EPOLLET;
  event.data.u64 = token;
  check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "watch descriptor ", fd);
}

void Poller::remove(int fd) noexcept {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

Poller::Wake Poller::wait(std::vector<std::uint64_t>& ready, std::int64_t deadline_ns, const sigset_t* mask) {
  Events events;
  const int count = wait_for_events(epoll_.get(), events, deadline_ns, mask);
  if (count == -1 && errno == EINTR) return Wake::kInterrupted;
  check(count, "wait for descriptors");
  for (int i = 0; i < count; ++i) ready.push_back(events[static_cast<std::size_t>(i)].data.u64);
  return count > 0 ? Wake::kReady : Wake::kTimedOut;
}

Fd create_eventfd() {
  return Fd(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "create an eventfd"));
}

void ring(int eventfd) noexcept {
  const std::uint64_t one = 1;
  // A full counter (EAGAIN) is readable already, which is all that is wanted.
  (void)retry([&]() noexcept { return ::write(eventfd, &one, sizeof one); });
}

void silence(int eventfd) noexcept {
  std::uint64_t count = 0;
  (void)retry([&]() noexcept { return ::read(eventfd, &count, sizeof count); });
}

}  // namespace prong::os
