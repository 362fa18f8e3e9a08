#include "prong/outcome.h"

#include <csignal>
#include <cstring>

#include "base/check.h"
#include "base/duration.h"

namespace prong {
namespace {

std::string signal_name(int number) {
  if (const char* name = sigabbrev_np(number)) return "SIG" + std::string(name);
  if (number >= SIGRTMIN && number <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
  return "unknown";
}

std::string_view limit_text(Limit limit) {
  switch (limit) {
    case Limit::kWallTime:
      return "wall-time limit";
    case Limit::kCpuTime:
      return "CPU-time limit";
    case Limit::kMemory:
      return "memory limit";
    case Limit::kQueueTime:
      return "limit of time in the queue";
    case Limit::kOutput:
      return "output limit";
    case Limit::kBudget:
      return "total time budget";
    case Limit::kStall:
      return "stall limit";
  }
  PRONG_CHECK(!"a limit");
}

std::string_view lost_text(LostReason reason) {
  switch (reason) {
    case LostReason::kWorkerLost:
      return "its worker vanished";
    case LostReason::kLauncherLost:
      return "the launcher died and took its worker along";
    case LostReason::kMemory:
      return "the kernel ended its worker for lack of memory";
    case LostReason::kChannelDamaged:
      return "its worker damaged its channel";
    case LostReason::kStartFailed:
      return "no worker could be started";
    case LostReason::kPoolClosed:
      return "the pool was terminated while it ran";
  }
  PRONG_CHECK(!"a reason");
}

std::string_view without_builtins(std::string_view type) {
  constexpr std::string_view kPrefix = "builtins.";
  return type.starts_with(kPrefix) ? type.substr(kPrefix.size()) : type;
}

struct Name {
  std::string_view operator()(const Returned&) const { return "returned"; }
  std::string_view operator()(const Raised&) const { return "raised"; }
  std::string_view operator()(const Exited&) const { return "exited"; }
  std::string_view operator()(const Signalled&) const { return "signalled"; }
  std::string_view operator()(const TimedOut&) const { return "timed_out"; }
  std::string_view operator()(const Cancelled&) const { return "cancelled"; }
  std::string_view operator()(const Lost&) const { return "lost"; }
};

struct Description {
  std::string operator()(const Returned&) const { return "returned"; }

  std::string operator()(const Raised& raised) const {
    const std::string text = "raised " + std::string(without_builtins(raised.type));
    return raised.message.empty() ? text : text + ": " + raised.message;
  }

  std::string operator()(const Exited& exited) const { return "exited with status " + std::to_string(exited.code); }

  std::string operator()(const Signalled& signalled) const {
    return "killed by signal " + std::to_string(signalled.number) + " (" + signal_name(signalled.number) + ")" +
           (signalled.core ? ", core dumped" : "");
  }

  std::string operator()(const TimedOut& timed_out) const {
    std::string text = "exceeded its " + std::string(limit_text(timed_out.limit));
    if (timed_out.allowed.count() > 0) text += " of " + base::describe(timed_out.allowed);
    if (timed_out.allowed_bytes > 0) text += " of " + base::describe_bytes(timed_out.allowed_bytes);
    if (timed_out.peak_bytes > 0) text += " (peak " + base::describe_bytes(timed_out.peak_bytes) + ")";
    if (timed_out.unconfirmed) text += "; not seen to end: " + timed_out.leftovers;
    return text;
  }

  std::string operator()(const Cancelled& cancelled) const {
    return cancelled.while_running ? "cancelled while it ran" : "cancelled before it ran";
  }

  std::string operator()(const Lost& lost) const {
    const std::string text = "lost: " + std::string(lost_text(lost.reason));
    return lost.detail.empty() ? text : text + ": " + lost.detail;
  }
};

struct Success {
  bool is_command;
  bool operator()(const Returned&) const { return true; }
  bool operator()(const Exited& exited) const { return is_command && exited.code == 0; }
  bool operator()(const Raised&) const { return false; }
  bool operator()(const Signalled&) const { return false; }
  bool operator()(const TimedOut&) const { return false; }
  bool operator()(const Cancelled&) const { return false; }
  bool operator()(const Lost&) const { return false; }
};

}  // namespace

std::string_view outcome_name(const Outcome& outcome) noexcept {
  return std::visit(Name{}, outcome);
}

std::string describe(const Outcome& outcome) {
  return std::visit(Description{}, outcome);
}

std::string_view limit_name(Limit limit) noexcept {
  switch (limit) {
    case Limit::kWallTime:
      return "wall_time";
    case Limit::kCpuTime:
      return "cpu_time";
    case Limit::kMemory:
      return "memory";
    case Limit::kQueueTime:
      return "queue_time";
    case Limit::kOutput:
      return "output";
    case Limit::kBudget:
      return "budget";
    case Limit::kStall:
      return "stall";
  }
  PRONG_CHECK(!"a limit");
}

std::string_view lost_reason_name(LostReason reason) noexcept {
  switch (reason) {
    case LostReason::kWorkerLost:
      return "worker_lost";
    case LostReason::kLauncherLost:
      return "launcher_lost";
    case LostReason::kMemory:
      return "memory";
    case LostReason::kChannelDamaged:
      return "channel_damaged";
    case LostReason::kStartFailed:
      return "start_failed";
    case LostReason::kPoolClosed:
      return "pool_closed";
  }
  PRONG_CHECK(!"a reason");
}

bool succeeded(const Outcome& outcome, bool is_command) noexcept {
  return std::visit(Success{is_command}, outcome);
}

}  // namespace prong
