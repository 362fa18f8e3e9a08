// Outcome: what an attempt of a job, or the job as a whole, came to. One vocabulary for functions and commands.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "prong/payload.h"

namespace prong {

/// The function returned `value` (encoded by the face that ran it).
struct Returned {
  Payload value;
};

/// The function raised. `value` is the encoded exception, empty when it could not be encoded; the texts are always
/// there.
struct Raised {
  std::string type{};       ///< qualified name, e.g. "builtins.ValueError" or "std::runtime_error"
  std::string message{};    ///< what str(exception) or what() gave
  std::string traceback{};  ///< as the worker would have printed it; may be empty
  Payload value{};
  std::vector<std::string> bases{};  ///< qualified names of the classes that `type` derives from; may be empty
};

/// The process ended by itself. For a command this is its normal end; for a function it never came back.
struct Exited {
  int code = 0;
};

/// The process was ended by a signal that Prong did not send.
struct Signalled {
  int number = 0;
  bool core = false;  ///< a core dump was written
};

enum class Limit { kWallTime, kCpuTime, kMemory, kQueueTime, kOutput, kBudget, kStall };

/// A limit was met and the job's whole process tree was killed (or, in the queue, the job never began).
struct TimedOut {
  Limit limit = Limit::kWallTime;
  std::chrono::nanoseconds allowed{0};  ///< of a limit of time
  std::string stack{};                  ///< stacks at that moment, or why there are none
  bool unconfirmed = false;             ///< something of the tree could not be seen to end; `leftovers` names it
  std::string leftovers{};
  std::uint64_t allowed_bytes = 0;  ///< of a limit of memory or output
  std::uint64_t peak_bytes = 0;     ///< the most that was seen of it
};

/// Cancelled by request: before it started, or (by kill) while it ran.
struct Cancelled {
  bool while_running = false;
};

enum class LostReason {
  kWorkerLost,      ///< the worker vanished and its status could not be learned
  kLauncherLost,    ///< the launcher died and took the worker along
  kMemory,          ///< the kernel's OOM killer chose the worker
  kChannelDamaged,  ///< the worker wrote nonsense into its channel
  kStartFailed,     ///< no worker could be started
  kPoolClosed,      ///< the pool was terminated while the job ran
};

/// The attempt's end is not known to be any of the above. It may have run in part.
struct Lost {
  LostReason reason = LostReason::kWorkerLost;
  std::string detail;
};

using Outcome = std::variant<Returned, Raised, Exited, Signalled, TimedOut, Cancelled, Lost>;

/// One word: "returned", "raised", "exited", "signalled", "timed_out", "cancelled", "lost".
std::string_view outcome_name(const Outcome& outcome) noexcept;
/// One line for people: "raised ValueError: no such key", "killed by signal 11 (SIGSEGV)", "exceeded its wall-time
/// limit of 2 s".
std::string describe(const Outcome& outcome);
/// "wall_time", "cpu_time", ... ; "worker_lost", "launcher_lost", "memory", ...
std::string_view limit_name(Limit limit) noexcept;
std::string_view lost_reason_name(LostReason reason) noexcept;
/// Returned, or Exited with code 0 where `is_command`.
bool succeeded(const Outcome& outcome, bool is_command) noexcept;

}  // namespace prong
