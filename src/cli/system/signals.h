// Signals: what the user asks for by signals, and how the main thread sleeps without missing one. One object per
// process; to be used by the thread that made it.
//
//   Ctrl-C (SIGINT)    first: stop starting jobs; second: kill those that run
//   SIGTERM, SIGHUP    kill the jobs; once more after such a wish: without waiting for anything
//   SIGURG             nothing but waking the main thread up (wake())
//   SIGPIPE            ignored: a write then fails with EPIPE
#pragma once

#include <poll.h>
#include <pthread.h>

#include <csignal>
#include <optional>
#include <span>

#include "prong/job.h"

namespace prong::cli {

class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// Each wants more than the one before.
  enum class Wish { kGoOn, kStopStarting, kKillJobs, kKillAtOnce };
  Wish wish() const;
  /// 128 + the signal that asked first to stop; 0: none did.
  int exit_status() const;

  /// As if the signal had come.
  static void ask(int number);

  /// From any thread: ends the main thread's wait, or the next one.
  void wake() const { pthread_kill(main_thread_, SIGURG); }

  /// While it lives, signals are held back; what sleeps under `mask()` is interrupted by them, also by those
  /// that came before it went to sleep.
  class Held {
   public:
    Held();
    ~Held();
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    const sigset_t* mask() const { return &before_; }

   private:
    sigset_t before_;
  };

  /// True if a signal has come since it was asked last.
  bool take_news();
  /// Sleeps until a signal comes, the deadline (CLOCK_MONOTONIC),
  /// or one of `files` has something.
  static void sleep(const Held& held, std::optional<MonotonicNs> deadline, std::span<pollfd> files = {});

 private:
  pthread_t main_thread_;
};

/// CLOCK_MONOTONIC.
MonotonicNs monotonic_now();

}  // namespace prong::cli
