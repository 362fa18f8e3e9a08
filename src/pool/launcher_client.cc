#include "pool/launcher_client.h"

#include "launcher/environment.h"
#include "os/check.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/cpus.h"
#include "os/memory.h"
#include "os/this_process.h"
#include "os/thread.h"
#include "pool/branch.h"
#include "pool/launcher_path.h"

namespace prong::pool {
namespace {

using launcher::MessageKind;

constexpr std::int64_t kHelloPatience = 10'000'000'000;
constexpr std::int64_t kBranchPatience = 3'000'000'000;  // after that a pool is started in another way
constexpr int kSocketInLauncher = 3;
constexpr int kPidfdInLauncher = 4;
static_assert(kPidfdInLauncher < launcher::kFirstCommandFd);

/// Pools in workers divide what their worker has.
std::int64_t share_of_workers(const PoolOptions& options) {
  return std::int64_t{os::sharers_of_cpus()} * options.workers;
}

}  // namespace

LauncherClient::LauncherClient(const PoolOptions& options, Patience patience)
    : own_pidfd_(os::open_pidfd(os::process_id())) {
  const bool may_wait = patience == Patience::kSome && options.start == StartKind::kFresh;
  if (may_wait && !options.nursery.arguments.empty() && start_in_nursery(options)) return;
  start(options, [&](int peer) {
    options.start == StartKind::kFork ? start_forked(peer, options) : start_detached(peer, options);
  });
}

/// `start_peer` starts the processes; the launcher's end of the socket is its argument.
void LauncherClient::start(const PoolOptions& options, const std::function<void(int peer)>& start_peer) {
  auto [ours, theirs] = os::socket_pair();
  socket_ = std::move(ours);
  start_peer(theirs.get());
  if (options.start == StartKind::kFresh || options.start == StartKind::kSpawn) send_program(options.program);
  theirs.reset();  // else its end would not be heard
  try {
    expect_hello(os::monotonic_now() + (nursery_ ? kBranchPatience : kHelloPatience));
  } catch (...) {
    end();
    throw;
  }
}

/// False if there can be no nursery, or this one failed: then the pool is started without.
bool LauncherClient::start_in_nursery(const PoolOptions& options) {
  nursery_ = Nursery::take(options.nursery);
  if (!nursery_) return false;
  try {
    nursery_->expect_ready();
    start(options, [&](int peer) { nursery_->start_pool(peer, options.program, share_of_workers(options)); });
    return true;
  } catch (const Error&) {
    nursery_->give_up();
    nursery_.reset();
    orders_.clear();
    return false;
  }
}

/// Takes a millisecond. Who begins with a launcher that is there never has to ask whether it is.
void LauncherClient::expect_hello(std::int64_t deadline) {
  launcher::Message message;
  launcher::Received received = launcher::Received::kNothing;
  while (received == launcher::Received::kNothing && os::wait_readable(socket_.get(), deadline))
    received = receive(message);
  if (received == launcher::Received::kClosed) throw PoolError("the launcher ended as soon as it was started");
  if (received == launcher::Received::kNothing) throw PoolError("the launcher was started, but does not answer");
  if (message.kind == MessageKind::kTemplateGone)
    throw SystemError("fork the program, or its nursery, for a pool", message.error);
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
  for (std::size_t i = 0; i < options.descriptors.size(); ++i)
    request.fds.emplace_back(launcher::kFirstCommandFd + static_cast<int>(i), options.descriptors[i]);
  arguments.command_fds = options.descriptors;
  request.arguments = launcher::to_argv(find_launcher(), arguments);
  request.environment = os::current_environment();
  launcher::set_variable(request.environment, os::kShareVariable, std::to_string(share_of_workers(options)));
  request.new_session = true;  // from its first instruction: Ctrl-C is not for the launcher
  os::ExecFailure failure;
  pid_ = os::spawn_detached(request, failure);
  if (pid_ < 0) os::fail(failure.error, "start the launcher '", request.arguments[0], "' (", failure.stage, ")");
}

void LauncherClient::start_forked(int peer, const PoolOptions& options) {
  auto [launcher_end, template_end] = os::socket_pair();
  Branch branch{.launcher_path = find_launcher(),
                .sharers_of_cpus = share_of_workers(options),
                .program_pid = os::process_id(),
                .program_pidfd = own_pidfd_.get(),
                .socket = peer,
                .launcher_end = launcher_end.get(),
                .template_end = template_end.get(),
                .fork = options.fork_hooks};
  branch.run_template = [&](int control_fd) {
    socket_.reset();
    options.fork_template(control_fd);
  };
  pid_ = os::check(start_branch(branch), "fork the program for a pool of kind 'fork'");
  is_child_ = true;
}

void LauncherClient::send_program(const Program& program) {
  const os::Fd file = launcher::write_program(program);
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

void LauncherClient::start_worker(std::uint64_t worker, launcher::StartHow how, int niceness,
                                  const std::array<int, 3>& fds) {
  order({.kind = MessageKind::kStartWorker, .worker = worker, .how = how, .niceness = niceness}, fds);
}

void LauncherClient::stop_worker(std::uint64_t worker, const launcher::StopSteps& steps) {
  order({.kind = MessageKind::kStopWorker, .worker = worker, .steps = steps});
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
