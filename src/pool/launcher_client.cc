#include "pool/launcher_client.h"

#include "launcher/environment.h"
#include "os/check.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/memory.h"
#include "os/this_process.h"
#include "os/thread.h"
#include "pool/launcher_path.h"

namespace prong::pool {
namespace {

using launcher::MessageKind;

constexpr std::int64_t kHelloPatience = 10'000'000'000;
constexpr int kSocketInLauncher = 3;
constexpr int kPidfdInLauncher = 4;

/// Pools in workers divide what their worker has.
std::string share_of_workers(const PoolOptions& options) {
  return std::to_string(std::int64_t{os::sharers_of_cpus()} * options.workers);
}

/// Between fork and exec, in the process that becomes the launcher or its guard.
[[noreturn]] void become_launcher(const std::string& path, const launcher::LauncherArguments& arguments) {
  for (const int fd : {arguments.socket, arguments.template_socket, arguments.program_pidfd})
    if (fd >= 0) os::close_on_exec(fd, false);
  std::vector<std::string> words = launcher::to_argv(path, arguments);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  os::become_program(argv.data());
}

}  // namespace

LauncherClient::LauncherClient(const PoolOptions& options) : own_pidfd_(os::open_pidfd(os::process_id())) {
  auto [ours, theirs] = os::socket_pair();
  socket_ = std::move(ours);
  if (options.start == StartKind::kFork) {
    start_forked(theirs.get(), options);
  } else {
    start_detached(theirs.get(), options);
    if (options.start != StartKind::kCommand) send_program(options.program);
  }
  theirs.reset();  // else its end would not be heard
  try {
    expect_hello();
  } catch (...) {
    end();
    throw;
  }
}

/// Takes a millisecond. Who begins with a launcher that is there never has to ask whether it is.
void LauncherClient::expect_hello() {
  const std::int64_t deadline = os::monotonic_now() + kHelloPatience;
  launcher::Message message;
  launcher::Received received = launcher::Received::kNothing;
  while (received == launcher::Received::kNothing && os::wait_readable(socket_.get(), deadline))
    received = receive(message);
  if (received == launcher::Received::kClosed) throw PoolError("the launcher ended as soon as it was started");
  if (received == launcher::Received::kNothing) throw PoolError("the launcher was started, but does not answer");
  introduced(message.pid);
}

LauncherClient::~LauncherClient() {
  end();
}

void LauncherClient::end() noexcept {
  shut_down();
  if (!is_child_ || os::try_reap(pid_)) return;
  // It ends soon, unless somebody has stopped it: nothing else shall wait for that.
  try {
    os::start_thread([pid = pid_] { os::reap(pid); }).detach();
  } catch (const SystemError&) {
    os::reap(pid_);
  }
}

void LauncherClient::start_detached(int peer, const PoolOptions& options) {
  os::ExecRequest request;
  launcher::LauncherArguments arguments{.socket = kSocketInLauncher, .program_pid = os::process_id()};
  request.fds = {{kSocketInLauncher, peer}};
  if (own_pidfd_) {
    arguments.program_pidfd = kPidfdInLauncher;
    request.fds.emplace_back(kPidfdInLauncher, own_pidfd_.get());
  }
  request.arguments = launcher::to_argv(find_launcher(), arguments);
  request.environment = os::current_environment();
  launcher::set_variable(request.environment, os::kShareVariable, share_of_workers(options));
  request.new_session = true;  // from its first instruction: Ctrl-C is not for the launcher
  os::ExecFailure failure;
  pid_ = os::spawn_detached(request, failure);
  if (pid_ < 0) os::fail(failure.error, "start the launcher '", request.arguments[0], "' (", failure.stage, ")");
}

// The program forks P; P forks the launcher and execs the guard; the launcher forks the template and execs.
void LauncherClient::start_forked(int peer, const PoolOptions& options) {
  auto [launcher_end, template_end] = os::socket_pair();
  const std::string path = find_launcher();
  const pid_t program = os::process_id();
  const auto do_fork = [&] { return options.fork_function ? options.fork_function() : os::try_fork(); };
  pid_ = os::check(do_fork(), "fork the program for a pool of kind 'fork'");
  if (pid_ == 0) {
    try {
      os::set_environment(os::kShareVariable, share_of_workers(options));
      os::become_subreaper();
      const pid_t guarded = os::try_fork();
      if (guarded > 0) become_launcher(path, {.guarded_pid = guarded});
      os::become_subreaper();
      const pid_t template_pid = do_fork();
      if (template_pid == 0) {
        os::Fd(peer).reset();
        launcher_end.reset();
        socket_.reset();
        options.fork_template(template_end.get());
        os::exit_now(0);
      }
      const launcher::LauncherArguments arguments{.socket = peer,
                                                  .program_pidfd = own_pidfd_.get(),
                                                  .program_pid = program,
                                                  .template_socket = launcher_end.get(),
                                                  .template_pid = template_pid,
                                                  .has_guard = true};
      become_launcher(path, arguments);
    } catch (...) {
      os::exit_now(127);  // never back into the user's frames
    }
  }
  is_child_ = true;
}

void LauncherClient::send_program(const Program& program) {
  const std::string encoded = launcher::encode_program(program);
  os::Fd file = os::create_memfd("prong-program", 0);
  const ByteSpan parts[] = {as_bytes(encoded)};
  os::write_parts(file, parts);
  const int fds[] = {file.get()};
  order({.kind = MessageKind::kProgram}, fds);
}

/// Never waits. When the launcher is gone, its end is seen by who reads its reports.
void LauncherClient::order(const launcher::Message& message, std::span<const int> fds) {
  const auto bytes = std::as_bytes(std::span(&message, 1));
  if (orders_.empty() && os::send_message(socket_.get(), bytes, fds) != os::SendResult::kFull) return;
  Order& waiting = orders_.emplace_back();
  waiting.message = message;
  for (const int fd : fds) waiting.fds.push_back(os::duplicate(fd));
}

void LauncherClient::send_orders() {
  while (!orders_.empty()) {
    const Order& first = orders_.front();
    std::vector<int> fds;
    for (const os::Fd& fd : first.fds) fds.push_back(fd.get());
    if (os::send_message(socket_.get(), std::as_bytes(std::span(&first.message, 1)), fds) == os::SendResult::kFull)
      return;
    orders_.pop_front();
  }
}

void LauncherClient::start_template() {
  order({.kind = MessageKind::kStartTemplate});
}

void LauncherClient::kill_template() {
  order({.kind = MessageKind::kKillTemplate});
}

void LauncherClient::start_worker(std::uint64_t worker, launcher::StartHow how, const std::array<int, 3>& fds) {
  order({.kind = MessageKind::kStartWorker, .worker = worker, .how = how}, fds);
}

void LauncherClient::stop_worker(std::uint64_t worker, std::chrono::nanoseconds grace) {
  order({.kind = MessageKind::kStopWorker, .worker = worker, .grace_ns = grace.count()});
}

void LauncherClient::signal_worker(std::uint64_t worker, int signal) {
  order({.kind = MessageKind::kSignalWorker, .worker = worker, .status = signal});
}

void LauncherClient::ping() {
  order({.kind = MessageKind::kPing});
}

void LauncherClient::introduced(pid_t pid) {
  launcher_pid_ = pid;
  launcher_pidfd_ = os::open_pidfd(pid);
}

void LauncherClient::kill() noexcept {
  if (launcher_pid_ > 0) os::kill_by_pidfd(launcher_pidfd_, launcher_pid_);
}

launcher::Received LauncherClient::receive(launcher::Message& message) {
  std::vector<os::Fd> unexpected;
  return launcher::receive(socket_.get(), message, unexpected);
}

void LauncherClient::shut_down() noexcept {
  if (socket_) os::stop_sending(socket_.get());
}

}  // namespace prong::pool
