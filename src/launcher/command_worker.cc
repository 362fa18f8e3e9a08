#include "launcher/command_worker.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <optional>
#include <string>

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "launcher/command_runner.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::launcher {
namespace {

constexpr std::uint64_t kOutputLimit = 8 * 1024 * 1024;  // a larger output file is not used again

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
  os::close_all_but(std::array{arguments.segment, arguments.doorbell, arguments.control});
  os::die_with_parent(arguments.launcher);
  os::start_group(0);
  launcher_pid = arguments.launcher;
  os::ignore_signals({SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2});  // `kill -HUP 0` and the like
  os::handle_signal(SIGTERM, on_terminate);
  os::unblock_all_signals();  // SIGTERM may be pending already
  os::become_subreaper();
  os::set_process_name("prong-worker");
  os::disable_core_dumps();
  os::prefer_as_oom_victim();
}

class CommandWorker {
 public:
  explicit CommandWorker(const CommandWorkerArguments& arguments)
      : channel_(os::Fd(arguments.segment), os::Fd(arguments.doorbell)),
        control_(os::Fd(arguments.control)),
        runner_(arguments.worker) {}

  [[noreturn]] void serve();

 private:
  void handle(const ipc::Request& request);
  void run(const ipc::Request& request);
  void run_command(const ipc::Request& request, Command command, ipc::Result& result, std::string& text);
  const CommandRunner::OutputFiles& outputs();
  void measure_outputs(bool left_something);
  void end_request(const ipc::Request& request, ipc::Result& result, const std::string& text);

  ipc::WorkerChannel channel_;
  ipc::ControlReceiver control_;
  CommandRunner runner_;
  std::optional<CommandRunner::OutputFiles> outputs_;
  std::array<std::uint64_t, 2> output_ends_ = {};
  bool outputs_spent_ = false;
};

void CommandWorker::serve() {
  for (;;) {
    ipc::Request request;
    channel_.take(request);
    command_runs = true;
    if (stop_wanted) os::die_by_signal(SIGTERM);
    handle(request);
    command_runs = false;
    if (stop_wanted) os::die_by_signal(SIGTERM);
  }
}

void CommandWorker::handle(const ipc::Request& request) {
  if (request.kind == ipc::RequestKind::kRun) return run(request);
  // Commands need no definitions, and there is nothing to initialize or to finalize.
  ipc::Result result;
  result.started_ns = os::monotonic_now();
  end_request(request, result, {});
  if (request.kind == ipc::RequestKind::kFinish) os::exit_now(0);
}

void CommandWorker::run(const ipc::Request& request) {
  ipc::Result result;
  std::string text;
  result.started_ns = os::monotonic_now();
  try {
    const Payload block = request.block ? control_.request_block(request.block, request.block_size) : Payload();
    run_command(request, decode_command(request.block ? block.bytes() : request.bytes), result, text);
  } catch (const SystemError& error) {
    result.kind = ipc::ResultKind::kNotStarted;
    result.code = error.error();
    text = error.what();
  } catch (const UsageError& error) {
    result.kind = ipc::ResultKind::kNotStarted;
    result.code = EINVAL;
    text = error.what();
  }
  end_request(request, result, text);
}

void CommandWorker::run_command(const ipc::Request& request, Command command, ipc::Result& result, std::string& text) {
  const bool keeps = needs_outputs(command);
  const auto* files = keeps ? &outputs() : nullptr;
  const CommandRunner::Ended ended = runner_.run(std::move(command), request.job, request.attempt, files);
  if (keeps) measure_outputs(ended.left_something);
  if (ended.error != 0) {
    result.kind = ipc::ResultKind::kNotStarted;
    result.code = ended.error;
    text = ended.what_failed;
    return;
  }
  result.kind = os::ended_by_signal(ended.status) ? ipc::ResultKind::kSignalled : ipc::ResultKind::kExited;
  result.code = os::code_of(ended.status);
}

const CommandRunner::OutputFiles& CommandWorker::outputs() {
  if (!outputs_) {
    outputs_ = control_.outputs();
    // Whoever writes, writes at the end, also with a descriptor that it got from another.
    for (const os::Fd& file : *outputs_) os::append_only(file.get());
  }
  return *outputs_;
}

void CommandWorker::measure_outputs(bool left_something) {
  for (std::size_t i = 0; i < output_ends_.size(); ++i) output_ends_[i] = os::file_size((*outputs_)[i].get());
  outputs_spent_ = left_something || output_ends_[0] > kOutputLimit || output_ends_[1] > kOutputLimit;
}

void CommandWorker::end_request(const ipc::Request& request, ipc::Result& result, const std::string& text) {
  result.sequence = request.sequence;
  result.ended_ns = os::monotonic_now();
  result.output_end = output_ends_[0];
  result.error_output_end = output_ends_[1];
  result.outputs_spent = outputs_spent_;
  const ByteSpan parts[] = {as_bytes(text)};
  if (outputs_spent_) {
    outputs_.reset();
    output_ends_ = {};
    outputs_spent_ = false;
  }
  channel_.publish(result, parts);
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
