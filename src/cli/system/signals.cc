#include "cli/system/signals.h"

#include <poll.h>
#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace prong::cli {
namespace {

constexpr std::array kCaught = {SIGINT, SIGTERM, SIGHUP, SIGURG};
constexpr MonotonicNs kNsPerSecond = 1'000'000'000;

// Written by the handler, read by the main thread.
std::atomic<int> interrupts{0};
std::atomic<int> first_to_stop{0};
std::atomic<bool> kill_asked{false};
std::atomic<bool> kill_at_once_asked{false};
std::atomic<bool> news{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void handle(int number) {
  news = true;
  if (number == SIGURG) return;
  int none = 0;
  first_to_stop.compare_exchange_strong(none, number);
  if (number == SIGINT && interrupts.fetch_add(1) == 0) return;
  if (kill_asked.exchange(true)) kill_at_once_asked = true;
}

// A program that was started with the signal ignored (nohup, or in the background of a script) leaves it so.
bool is_ignored(int number) {
  struct sigaction present {};
  return ::sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  ::sigaction(number, &action, nullptr);
}

sigset_t caught_set() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kCaught) sigaddset(&set, number);
  return set;
}

}  // namespace

Signals::Signals() : main_thread_(pthread_self()) {
  interrupts = 0;
  first_to_stop = 0;
  kill_asked = false;
  kill_at_once_asked = false;
  news = false;
  for (const int number : kCaught)
    if (!is_ignored(number)) set_handler(number, handle);
  set_handler(SIGPIPE, SIG_IGN);
}

Signals::~Signals() {
  for (const int number : kCaught)
    if (!is_ignored(number)) set_handler(number, SIG_DFL);
}

Signals::Wish Signals::wish() const {
  if (kill_at_once_asked) return Wish::kKillAtOnce;
  if (kill_asked) return Wish::kKillJobs;
  return interrupts > 0 ? Wish::kStopStarting : Wish::kGoOn;
}

void Signals::ask(int number) {
  handle(number);
}

int Signals::exit_status() const {
  return first_to_stop == 0 ? 0 : 128 + first_to_stop;
}

bool Signals::take_news() {
  return news.exchange(false);
}

Signals::Held::Held() {
  const sigset_t caught = caught_set();
  pthread_sigmask(SIG_BLOCK, &caught, &before_);
}

Signals::Held::~Held() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::sleep(const Held& held, std::optional<MonotonicNs> deadline, std::span<pollfd> files) {
  timespec wait{};
  if (deadline) {
    const MonotonicNs rest = std::max<MonotonicNs>(*deadline - monotonic_now(), 0);
    wait = {rest / kNsPerSecond, rest % kNsPerSecond};
  }
  ::ppoll(files.data(), files.size(), deadline ? &wait : nullptr, held.mask());
}

MonotonicNs monotonic_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kNsPerSecond + time.tv_nsec;
}

}  // namespace prong::cli
