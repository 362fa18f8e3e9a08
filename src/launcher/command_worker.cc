#include "launcher/command_worker.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "launcher/command_runner.h"
#include "launcher/protocol.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::launcher {
namespace {

constexpr std::uint64_t kInlineOutput = 64 * 1024;  // larger outputs stay in their files

// SIGTERM from the launcher goes to the whole group: the command has its grace, and the worker waits for its end, since
// its own end would kill the group. From anybody else (`kill 0` in a command) it is not meant for the worker.
std::atomic<pid_t> launcher_pid = 0;
std::atomic<bool> command_runs = false;
std::atomic<bool> stop_wanted = false;
static_assert(std::atomic<pid_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

void on_terminate(int, siginfo_t* info, void*) {
  if (info->si_pid != launcher_pid) return;
  stop_wanted = true;
  if (!command_runs) os::die_by_signal(SIGTERM);
}

void prepare_process(const CommandWorkerArguments& arguments) {
  std::vector<int> kept = {arguments.segment, arguments.doorbell, arguments.control};
  for (std::size_t i = 0; i < arguments.command_fds.size(); ++i) kept.push_back(kFirstCommandFd + static_cast<int>(i));
  os::close_all_but(kept);
  os::die_with_parent(arguments.launcher);
  os::start_group(0);
  launcher_pid = arguments.launcher;
  os::ignore_signals({SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2});  // `kill -HUP 0` and the like
  os::handle_signal(SIGTERM, on_terminate);
  os::block_only({});  // SIGTERM may be pending already
  os::become_subreaper();
  os::set_process_name("prong-worker");
  os::disable_core_dumps();
  os::be_nicer(arguments.niceness);
  os::prefer_as_oom_victim();
}

class CommandWorker {
 public:
  explicit CommandWorker(const CommandWorkerArguments& arguments)
      : channel_(os::Fd(arguments.segment), os::Fd(arguments.doorbell)),
        control_(os::Fd(arguments.control),
                 [this](auto lease, auto id, auto state) { channel_.return_block(lease, id, state); }),
        runner_(arguments.worker, arguments.command_fds) {}

  [[noreturn]] void serve();

 private:
  /// What becomes the result of a request.
  struct Answer {
    ipc::Result result;
    std::string text;  ///< payload
    bool used_outputs = false;
  };

  void handle(const ipc::Request& request, Answer& answer);
  void run(const ipc::Request& request, Answer& answer);
  void run_command(const ipc::Request& request, Command command, std::optional<ByteSpan> input, Answer& answer);
  static void refuse(Answer& answer, int error, std::string what);
  const CommandRunner::OutputFiles& outputs();
  void take_outputs(bool left_something, Answer& answer);
  void settle_outputs(const Answer& answer);

  ipc::WorkerChannel channel_;
  ipc::ControlReceiver control_;
  CommandRunner runner_;
  std::optional<CommandRunner::OutputFiles> outputs_;  ///< empty when a command begins
};

void CommandWorker::serve() {
  for (;;) {
    ipc::Request request;
    channel_.take(request);
    command_runs = true;
    if (stop_wanted) os::die_by_signal(SIGTERM);
    Answer answer;
    answer.result.sequence = request.sequence;
    answer.result.started_ns = os::monotonic_now();
    handle(request, answer);
    answer.result.ended_ns = os::monotonic_now();
    const ByteSpan parts[] = {as_bytes(answer.text)};
    channel_.publish(answer.result, parts);
    settle_outputs(answer);
    if (request.kind == ipc::RequestKind::kFinish) os::exit_now(0);
    command_runs = false;
    if (stop_wanted) os::die_by_signal(SIGTERM);
  }
}

/// Commands need no definitions, and there is nothing to initialize or to finalize.
void CommandWorker::handle(const ipc::Request& request, Answer& answer) {
  if (request.kind != ipc::RequestKind::kRun) return;
  try {
    run(request, answer);
  } catch (const SystemError& error) {
    refuse(answer, error.error(), std::string("prepare a command (") + error.what() + ")");
  } catch (const UsageError& error) {
    refuse(answer, EINVAL, std::string("read a command (") + error.what() + ")");
  }
}

void CommandWorker::run(const ipc::Request& request, Answer& answer) {
  if (request.block == 0) return run_command(request, decode_command(request.bytes), std::nullopt, answer);
  const Payload payload = control_.payload_of(request);
  std::optional<ByteSpan> input;
  if (!payload.attachments().empty()) input = payload.attachments().front().bytes();
  run_command(request, decode_command(payload.bytes()), input, answer);
}

void CommandWorker::run_command(const ipc::Request& request, Command command, std::optional<ByteSpan> input,
                                Answer& answer) {
  answer.used_outputs = needs_outputs(command);
  const auto* files = answer.used_outputs ? &outputs() : nullptr;
  const CommandRunner::Ended ended = runner_.run(
      {.command = std::move(command), .input = input, .job = request.job, .attempt = request.attempt}, files);
  if (ended.error != 0) return refuse(answer, ended.error, ended.what_failed);
  const bool by_signal = os::ended_by_signal(ended.status);
  answer.result.kind = by_signal ? ipc::ResultKind::kSignalled : ipc::ResultKind::kExited;
  answer.result.code = by_signal ? ended.status & 0xff : os::code_of(ended.status);  // with the bit for a core dump
  answer.result.cpu_ns = ended.usage.cpu_time.count();
  answer.result.peak_memory = ended.usage.peak_memory;
  if (answer.used_outputs) take_outputs(ended.left_something, answer);
}

void CommandWorker::refuse(Answer& answer, int error, std::string what) {
  answer.result.kind = ipc::ResultKind::kNotStarted;
  answer.result.code = error;
  answer.text = std::move(what);
}

const CommandRunner::OutputFiles& CommandWorker::outputs() {
  if (!outputs_) {
    outputs_ = control_.outputs();
    // Whoever writes, writes at the end, also with a descriptor that it got from another.
    for (const os::Fd& file : *outputs_) os::append_only(file.get());
  }
  return *outputs_;
}

/// Small outputs go with the result, so that the files can be emptied: each command finds them empty, and one that
/// opens /dev/stdout anew, which empties the file, harms no other. What others may still write is left where it is.
void CommandWorker::take_outputs(bool left_something, Answer& answer) {
  const std::uint64_t output = os::file_size((*outputs_)[0].get());
  const std::uint64_t error_output = os::file_size((*outputs_)[1].get());
  answer.result.output_end = output;
  answer.result.error_output_end = error_output;
  answer.result.outputs_spent = left_something || output > kInlineOutput || error_output > kInlineOutput;
  if (answer.result.outputs_spent || output + error_output == 0) return;
  answer.text.resize(output + error_output);
  const auto bytes = std::as_writable_bytes(std::span(answer.text));
  // Nobody else has the files any more, so they are as long as they were.
  os::read_at((*outputs_)[0].get(), 0, bytes.first(output));
  os::read_at((*outputs_)[1].get(), 0, bytes.subspan(output));
}

/// Only when the result is published: until then the files are all that is left of the command if we are killed.
void CommandWorker::settle_outputs(const Answer& answer) {
  if (answer.result.outputs_spent) return outputs_.reset();
  if (!answer.used_outputs || !outputs_) return;
  if (answer.result.output_end > 0) os::make_empty((*outputs_)[0].get());
  if (answer.result.error_output_end > 0) os::make_empty((*outputs_)[1].get());
}

}  // namespace

void run_command_worker(const CommandWorkerArguments& arguments) noexcept {
  try {
    prepare_process(arguments);
    CommandWorker(arguments).serve();
  } catch (const std::exception&) {
    os::exit_now(70);
  }
}

}  // namespace prong::launcher
