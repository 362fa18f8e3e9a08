#include "launcher/command_runner.h"

#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "launcher/environment.h"
#include "launcher/protocol.h"
#include "os/memory.h"
#include "os/process_tree.h"

namespace prong::launcher {
namespace {

constexpr const char* kJobVariable = "PRONG_JOB";
constexpr const char* kAttemptVariable = "PRONG_ATTEMPT";
constexpr std::size_t kMostCachedPrograms = 256;
constexpr std::int64_t kSmallWorker = 16 * 1024 * 1024;

os::Fd input_file(const CommandRunner::Task& task) {
  if (!task.input && !task.command.input) return {};
  os::Fd file = os::create_memfd("prong-input", 0);
  const std::span<const std::byte> parts[] = {task.input ? *task.input : as_bytes(*task.command.input)};
  os::write_parts(file, parts);
  return file;
}

/// Where the outputs go that have files of their own.
CommandRunner::OutputFiles named_files(const Command& command) {
  CommandRunner::OutputFiles files;
  if (command.output == Capture::kFile) files[0] = os::open_to_append(command.output_file);
  if (command.error_output == Capture::kFile) files[1] = os::open_to_append(command.error_output_file);
  return files;
}

/// The kernel counts the worker's own peak as one of the command. A small one is no matter, but a large one (of input
/// that is on its way to a command, say) hides what the command had.
os::Usage usage_of(const os::Reaped& reaped) {
  os::Usage usage = reaped.usage;
  const std::int64_t own = os::own_peak_memory();
  if (own > kSmallWorker && usage.peak_memory <= own) usage.peak_memory = -1;
  return usage;
}

}  // namespace

bool needs_outputs(const Command& command) noexcept {
  return command.output == Capture::kKeep || command.error_output == Capture::kKeep;
}

CommandRunner::CommandRunner(std::uint64_t worker, std::vector<int> command_fds)
    : command_fds_(std::move(command_fds)), null_(os::open_null()), environment_(os::current_environment()) {
  worker_place_ = set_variable(environment_, kWorkerVariable, std::to_string(worker));
  job_place_ = set_variable(environment_, kJobVariable, "");
  attempt_place_ = set_variable(environment_, kAttemptVariable, "");
  request_.die_with_parent = true;  // if the launcher is killed, its workers die, and what they run dies with them
}

CommandRunner::Ended CommandRunner::run(Task task, const OutputFiles* outputs) {
  Command& command = task.command;
  // These may throw: nothing is changed yet.
  const os::Fd input = input_file(task);
  const OutputFiles files = named_files(command);
  environment_[job_place_] =
      std::string(kJobVariable) + "=" + std::to_string(command.number != 0 ? command.number : task.job);
  environment_[attempt_place_] = std::string(kAttemptVariable) + "=" + std::to_string(task.attempt);
  const bool inherits = !command.environment.has_value();
  request_.environment = inherits ? std::move(environment_) : own_environment(command);
  request_.arguments = std::move(command.arguments);
  request_.directory = std::move(command.directory);
  os::ExecFailure failure;
  direct_streams(command, outputs, files, input);
  if (os::own_peak_memory() > kSmallWorker) os::forget_own_peak_memory();
  const pid_t pid = start(inherits, failure);
  if (inherits) environment_ = std::move(request_.environment);
  Ended ended;
  if (pid < 0) {
    ended.error = failure.error;
    ended.what_failed = explain(failure);
    return ended;
  }
  const os::Reaped reaped = wait_for(pid);
  ended.status = reaped.status;
  ended.usage = usage_of(reaped);
  ended.left_something = find_new_leftovers();
  return ended;
}

std::vector<std::string> CommandRunner::own_environment(const Command& command) const {
  std::vector<std::string> environment = *command.environment;
  apply_changes(environment, {environment_[worker_place_], environment_[job_place_], environment_[attempt_place_]});
  return environment;
}

void CommandRunner::direct_streams(const Command& command, const OutputFiles* outputs, const OutputFiles& files,
                                   const os::Fd& input) {
  const auto target = [&](Capture capture, int number) {
    if (capture == Capture::kDiscard) return null_.get();
    if (capture == Capture::kFile) return files[static_cast<std::size_t>(number - 1)].get();
    return capture == Capture::kKeep ? (*outputs)[static_cast<std::size_t>(number - 1)].get() : number;
  };
  const int output = command.output == Capture::kMerge ? 1 : target(command.output, 1);
  const int error_output = command.error_output == Capture::kMerge ? output : target(command.error_output, 2);
  request_.fds = {{1, output}, {2, error_output}};
  if (input) request_.fds.emplace_back(0, input.get());
  for (std::size_t i = 0; i < command_fds_.size(); ++i)
    request_.fds.emplace_back(command_fds_[i], kFirstCommandFd + static_cast<int>(i));
}

/// A name that PATH has been searched for before is run from where it was then; if that has gone, it is searched for
/// again.
pid_t CommandRunner::start(bool from_cache, os::ExecFailure& failure) {
  const std::string& name = request_.arguments[0];
  request_.executable.clear();
  if (!from_cache || name.find('/') != std::string::npos) return os::spawn(request_, failure);
  if (programs_.size() >= kMostCachedPrograms) programs_.clear();
  auto cached = programs_.find(name);
  if (cached == programs_.end()) cached = programs_.emplace(name, os::find_program(name, request_.environment)).first;
  if (cached->second.starts_with('/')) request_.executable = cached->second;
  const pid_t pid = os::spawn(request_, failure);
  if (pid > 0) return pid;
  programs_.erase(cached);
  request_.executable.clear();
  return os::spawn(request_, failure);
}

std::string CommandRunner::explain(const os::ExecFailure& failure) const {
  const std::string& name = request_.arguments[0];
  if (failure.stage == std::string_view("chdir")) return "change to directory '" + request_.directory + "'";
  if (failure.stage != std::string_view("exec")) return "start a process for '" + name + "'";
  if (failure.error != ENOENT || name.find('/') != std::string::npos) return "run '" + name + "'";
  const std::string found = os::find_program(name, request_.environment);
  if (found.empty()) return "run '" + name + "' (not found in PATH)";
  return "run '" + found + "' (its interpreter was not found)";
}

/// The worker is the only one that reaps its children, among them what its commands left behind.
os::Reaped CommandRunner::wait_for(pid_t pid) {
  for (;;) {
    const os::Reaped reaped = os::reap_any(true);
    if (reaped.pid == pid) return reaped;
    if (reaped.pid == os::Reaped::kNoChildren) os::exit_now(70);  // cannot be: nobody else reaps here
    leftovers_.erase(reaped.pid);
  }
}

bool CommandRunner::find_new_leftovers() {
  for (os::Reaped reaped = os::reap_any(false);; reaped = os::reap_any(false)) {
    if (reaped.pid == os::Reaped::kNoneEnded) break;
    if (reaped.pid > 0) {
      leftovers_.erase(reaped.pid);
      continue;
    }
    leftovers_.clear();
    return false;
  }
  const std::size_t known = leftovers_.size();
  const std::vector<pid_t> present = os::children_of(os::process_id());
  leftovers_.insert(present.begin(), present.end());
  return leftovers_.size() > known || present.empty();  // empty: /proc is not ours, so they may be new
}

}  // namespace prong::launcher
