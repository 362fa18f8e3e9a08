// Poller: waits for several descriptors at once (epoll). EventFd: a doorbell.
#pragma once

#include <csignal>
#include <cstdint>
#include <vector>

#include "os/fd.h"

namespace prong::os {

class Poller {
 public:
  Poller();  ///< throws SystemError

  enum class Trigger { kLevel, kEdge };
  enum class What { kReadable, kEnd };
  /// Reports `token` when `fd` is readable or closed; for What::kEnd: when the other side sends no more, whatever there
  /// is to be read. Throws SystemError.
  void add(int fd, std::uint64_t token, Trigger trigger = Trigger::kLevel, What what = What::kReadable);
  void remove(int fd) noexcept;

  enum class Wake { kReady, kTimedOut, kInterrupted };
  /// Appends the tokens that are ready. `deadline_ns`: absolute monotonic, -1: none, 0: do not wait.
  /// `mask`: if set, the signal mask while asleep. Throws SystemError.
  Wake wait(std::vector<std::uint64_t>& ready, std::int64_t deadline_ns, const sigset_t* mask = nullptr);

 private:
  Fd epoll_;
};

/// A non-blocking, close-on-exec eventfd. Throws SystemError.
Fd create_eventfd();
/// Makes it readable. Never blocks, never fails visibly.
void ring(int eventfd) noexcept;
/// Makes it unreadable.
void silence(int eventfd) noexcept;

}  // namespace prong::os
