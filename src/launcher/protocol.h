// What coordinator, launcher and templates say to each other: one fixed-size record per message, descriptors beside it.
//
//   coordinator ──> launcher   kProgram, kStartTemplate, kKillTemplate, kStartWorker, kSignalWorker, kStopWorker,
//                              kPing
//   launcher ──> coordinator   kHello, kWorkerStarted, kStartFailed, kWorkerGone, kTemplateGone, kPong
//   launcher ──> template      kStartWorker
//   middle process ──> launcher (over the template's socket)   kForked, kForkFailed
//   coordinator ──> nursery    kStartPool, kNoPools
//   nursery ──> coordinator    kHello
//
// The coordinator closing its end (or the program's pidfd becoming readable) tells the launcher to kill everything and
// end.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os/fd.h"
#include "os/socket.h"
#include "prong/options.h"

namespace prong::launcher {

enum class MessageKind : std::uint32_t {
  kProgram = 1,    ///< fds[0]: memfd with the encoded Program (encode_program) for kStartTemplate and kExec workers
  kStartTemplate,  ///< exec the program as template: role and control descriptor in its environment
  kKillTemplate,   ///< it hangs: its end is reported as usual
  kStartWorker,    ///< `worker`, `how`, `niceness`; fds: channel segment, doorbell, control socket
  kSignalWorker,   ///< `worker`, `status`: the signal: continues it and sends it that
  kStopWorker,     ///< `worker`, `steps`: each signal with SIGCONT, then its wait, then SIGKILL; none: SIGKILL now
  kWorkerStarted,  ///< `worker`, `pid`
  kStartFailed,    ///< `worker`, `error` (errno), `stage`
  kWorkerGone,     ///< `worker`, `pid`, `status` (as of waitpid), `unconfirmed`: the tree is gone, or so many
                   ///< processes of it could not be seen to go, of which `stage` names one
  kTemplateGone,   ///< `pid`, `status`; or `error` and `stage` if it could not be started; instead of kHello: it could
                   ///< not be forked, and there is no launcher
  kForked,         ///< `worker`, `pid`
  kForkFailed,     ///< `worker`, `error`
  kHello,          ///< `pid` of the launcher, or nursery, first of all
  kPing,           ///< is to be answered by kPong
  kPong,
  kStartPool,  ///< to a nursery; `pid` of the program, `worker`: who shares the CPUs; fds: the launcher's end of the
               ///< pool's socket, memfd with the encoded Program
  kNoPools,    ///< no pool uses it: it ends if nothing is asked of it in `patience_ns`
};

enum class StartHow : std::uint32_t {
  kTemplate = 1,  ///< forked by the template
  kExec,          ///< exec of the program, role "worker" in its environment
  kCommand,       ///< forked by the launcher itself: runs command lines
};

struct StopStep {
  std::int64_t signal = 0;  ///< 0: no step
  std::int64_t wait_ns = 0;
};
using StopSteps = std::array<StopStep, kMostStopSignals>;  ///< those that are no steps come last

struct Message {
  static constexpr std::uint32_t kMagic = 0x50524e31;  // "PRN1"
  std::uint32_t magic = kMagic;
  MessageKind kind = MessageKind::kProgram;
  std::uint64_t worker = 0;
  std::int64_t patience_ns = 0;
  std::int32_t pid = 0;
  std::int32_t status = 0;
  std::int32_t error = 0;
  StartHow how = StartHow::kTemplate;
  std::uint32_t unconfirmed = 0;  ///< processes that could not be seen to end
  std::int32_t niceness = 0;      ///< to be added
  char stage[48] = {};
  StopSteps steps{};
};
static_assert(sizeof(Message) == 224);

/// The roles and descriptors of a process that Prong execs. Numbers are decimal.
inline constexpr const char* kRoleVariable = "PRONG_ROLE";        // "worker", "template" or "nursery"
inline constexpr const char* kDescriptorsVariable = "PRONG_FDS";  // worker: "segment,doorbell,control"; template:
                                                                  // "control"; nursery: "socket,pidfd of the program"
inline constexpr const char* kLauncherPidVariable = "PRONG_LAUNCHER_PID";
/// Set in every worker: its number. Inherited by what jobs start, so that they can be told from strangers.
inline constexpr const char* kWorkerVariable = "PRONG_WORKER";

/// Sends; kFull is waited out for at most 10 s. False when the other side is gone.
bool send(int socket, const Message& message, std::span<const int> fds = {});

enum class Received { kMessage, kNothing, kClosed };
/// Takes one message if there is one; a record of another size or magic counts as kClosed.
Received receive(int socket, Message& message, std::vector<os::Fd>& fds);

/// The payload of kProgram.
std::string encode_program(const Program& program);
/// Nothing if encode_program() did not make these bytes.
std::optional<Program> decode_program(ByteSpan bytes);
/// The same in a memfd. Throw SystemError.
os::Fd write_program(const Program& program);
std::optional<Program> read_program(int file);

inline constexpr int kFirstCommandFd = 5;

/// argv of the launcher: {path, socket fd, program pidfd or -1, program pid, template socket fd or -1, template pid or
/// 0, 1 if it has a guard or 0, pid to guard or 0, fd of the program of a nursery or -1, numbers of descriptors for
/// commands as "3,4"}.
struct LauncherArguments {
  int socket = -1;
  int program_pidfd = -1;
  int program_pid = 0;
  int template_socket = -1;  ///< kFork: the template that was forked before the launcher was exec'ed
  int template_pid = 0;
  bool has_guard = false;    ///< kFork: its parent is the guard already
  int guarded_pid = 0;       ///< kFork: this process is the guard of that launcher
  int nursery_program = -1;  ///< this process is the keeper of a nursery that serves `socket`: memfd with its Program
  /// What commands get: the first is kFirstCommandFd here, the next ones follow.
  std::vector<int> command_fds{};
};

std::vector<std::string> to_argv(const std::string& path, const LauncherArguments& arguments);
/// Where two of them stand in that.
inline constexpr std::size_t kTemplatePidWord = 5;
inline constexpr std::size_t kGuardedPidWord = 7;
LauncherArguments from_argv(int argc, char** argv);

}  // namespace prong::launcher
