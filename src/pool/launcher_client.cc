#include "pool/launcher_client.h"

#include "os/check.h"
#include "os/child.h"
#include "os/memory.h"
#include "os/this_process.h"
#include "pool/launcher_path.h"

namespace prong::pool {
namespace {

constexpr int kSocketInLauncher = 3;
constexpr int kPidfdInLauncher = 4;

/// Between fork and exec of the launcher, in the process that becomes it. argv was prepared before the fork.
[[noreturn]] void become_launcher(const launcher::LauncherArguments& arguments, char* const* argv) {
  for (const int fd : {arguments.socket, arguments.template_socket, arguments.program_pidfd})
    os::close_on_exec(fd, false);
  os::become_program(argv);
}

}  // namespace

LauncherClient::LauncherClient(const PoolOptions& options) : own_pidfd_(os::open_pidfd(os::process_id())) {
  auto [ours, theirs] = os::socket_pair();
  socket_ = std::move(ours);
  if (options.start == StartKind::kFork) {
    start_forked(theirs.get(), options);
  } else {
    start_detached(theirs.get(), options);
    if (options.start != StartKind::kCommand && !send_program(options.program))
      throw PoolError("the launcher ended as soon as it was started");
  }
}

LauncherClient::~LauncherClient() {
  shut_down();
  if (is_child_) os::reap(pid_);
}

void LauncherClient::start_detached(int peer, const PoolOptions&) {
  os::ExecRequest request;
  launcher::LauncherArguments arguments{.socket = kSocketInLauncher, .program_pid = os::process_id()};
  request.fds = {{kSocketInLauncher, peer}};
  if (own_pidfd_) {
    arguments.program_pidfd = kPidfdInLauncher;
    request.fds.emplace_back(kPidfdInLauncher, own_pidfd_.get());
  }
  request.arguments = launcher::to_argv(find_launcher(), arguments);
  request.environment = os::current_environment();
  request.new_session = true;  // from its first instruction: Ctrl-C is not for the launcher
  os::ExecFailure failure;
  pid_ = os::spawn_detached(request, failure);
  if (pid_ < 0) os::fail(failure.error, "start the launcher '", request.arguments[0], "' (", failure.stage, ")");
}

// The program forks P; P becomes subreaper, forks the template and execs the launcher.
void LauncherClient::start_forked(int peer, const PoolOptions& options) {
  auto [launcher_end, template_end] = os::socket_pair();
  const std::string path = find_launcher();
  const pid_t program = os::process_id();
  const auto do_fork = [&] { return options.fork_function ? options.fork_function() : os::try_fork(); };
  pid_ = os::check(do_fork(), "fork the program for a pool of kind 'fork'");
  if (pid_ == 0) {
    try {
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
                                                  .template_pid = template_pid};
      std::vector<std::string> words = launcher::to_argv(path, arguments);
      std::vector<char*> argv;
      for (std::string& word : words) argv.push_back(word.data());
      argv.push_back(nullptr);
      become_launcher(arguments, argv.data());
    } catch (...) {
      os::exit_now(127);  // never back into the user's frames
    }
  }
  is_child_ = true;
}

bool LauncherClient::send_program(const Program& program) {
  const std::string encoded = launcher::encode_program(program);
  os::Fd file = os::create_memfd("prong-program", 0);
  const ByteSpan parts[] = {as_bytes(encoded)};
  os::write_parts(file, parts);
  const int fds[] = {file.get()};
  return launcher::send(socket_.get(), {.kind = launcher::MessageKind::kProgram}, fds);
}

bool LauncherClient::start_template() {
  return launcher::send(socket_.get(), {.kind = launcher::MessageKind::kStartTemplate});
}

bool LauncherClient::start_worker(std::uint64_t worker, launcher::StartHow how, const std::array<int, 3>& fds) {
  return launcher::send(socket_.get(), {.kind = launcher::MessageKind::kStartWorker, .worker = worker, .how = how},
                        fds);
}

bool LauncherClient::stop_worker(std::uint64_t worker, std::chrono::nanoseconds grace) {
  return launcher::send(socket_.get(),
                        {.kind = launcher::MessageKind::kStopWorker, .worker = worker, .grace_ns = grace.count()});
}

launcher::Received LauncherClient::receive(launcher::Message& message) {
  std::vector<os::Fd> unexpected;
  return launcher::receive(socket_.get(), message, unexpected);
}

void LauncherClient::shut_down() noexcept {
  if (socket_) os::stop_sending(socket_.get());
}

}  // namespace prong::pool
