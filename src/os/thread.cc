#include "os/thread.h"

#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "os/clock.h"
#include "prong/error.h"

namespace prong::os {

BlockAllSignals::BlockAllSignals() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before_);
}

BlockAllSignals::~BlockAllSignals() {
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::thread start_thread(std::function<void()> body) {
  const BlockAllSignals blocked;  // inherited
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& refusal) {
    throw SystemError("start a thread", refusal.code().value());
  }
}

void name_this_thread(const char* name) noexcept {
  ::pthread_setname_np(::pthread_self(), name);
}

Awoken wait_for_doorbell(int eventfd, std::int64_t deadline_ns, const sigset_t* mask) noexcept {
  pollfd waited{.fd = eventfd, .events = POLLIN, .revents = 0};
  timespec left{};
  if (deadline_ns >= 0) {
    const std::int64_t ns = std::max<std::int64_t>(deadline_ns - monotonic_now(), 0);
    left = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  }
  const int ready = ::ppoll(&waited, 1, deadline_ns >= 0 ? &left : nullptr, mask);
  if (ready > 0) return Awoken::kRung;
  if (ready == 0) return Awoken::kTimedOut;
  return errno == EINTR ? Awoken::kInterrupted : Awoken::kRung;
}

}  // namespace prong::os
