// What a thread of ours needs: no signals, a name, a place to sleep. Coordinator process.
#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <thread>

namespace prong::os {

/// Blocks all signals of the calling thread while it lives; threads started meanwhile never see one.
class BlockAllSignals {
 public:
  BlockAllSignals() noexcept;
  ~BlockAllSignals();
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;

 private:
  sigset_t before_;
};

/// A thread that sees no signals: they are the program's business. Throws SystemError.
std::thread start_thread(std::function<void()> body);

/// As debuggers and `top -H` show it; at most 15 characters.
void name_this_thread(const char* name) noexcept;

enum class Awoken { kRung, kTimedOut, kInterrupted };
/// Sleeps until the eventfd is rung, a signal handler ran, or the deadline (absolute monotonic ns; -1: none).
/// `mask`: if set, the signal mask while asleep, as in ppoll.
Awoken wait_for_doorbell(int eventfd, std::int64_t deadline_ns, const sigset_t* mask) noexcept;

/// A pause in a spinning loop.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace prong::os
