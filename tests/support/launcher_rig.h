// LauncherRig: a launcher under test, with the test as its coordinator and its program.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "launcher/protocol.h"
#include "os/check.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poller.h"
#include "support/eventually.h"

namespace prong::test {

/// Processes whose environment has `entry`, zombies aside.
inline std::vector<pid_t> processes_with(const std::string& entry) {
  std::vector<pid_t> found;
  for (const auto& folder : std::filesystem::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(folder.path().filename().c_str());
    if (pid <= 0) continue;
    std::ifstream file(folder.path() / "environ");
    for (std::string variable; std::getline(file, variable, '\0');) {
      if (variable == entry && os::start_time_of(pid) != 0) found.push_back(pid);
    }
  }
  return found;
}

/// What the coordinator keeps of one worker.
struct WorkerEnd {
  ipc::Channel channel;
  os::Fd doorbell = os::create_eventfd();
  os::Fd control;
  os::Fd worker_control;
  std::array<os::Fd, 2> outputs;

  WorkerEnd() {
    auto [ours, theirs] = os::socket_pair();
    control = std::move(ours);
    worker_control = std::move(theirs);
  }

  void give_outputs() {
    for (os::Fd& file : outputs) file = os::create_memfd("test-output", 0);
    const std::array<int, 2> fds = {outputs[0].get(), outputs[1].get()};
    ipc::send_control(control.get(), {.kind = ipc::ControlMessage::Kind::kOutputs}, fds);
  }

  std::uint64_t push(ipc::RequestKind kind, ByteSpan bytes, std::uint64_t job = 1, std::uint32_t attempt = 1) {
    ipc::Request request;
    request.kind = kind;
    request.job = job;
    request.attempt = attempt;
    request.bytes = bytes;
    const auto sequence = channel.try_push(request);
    EXPECT_TRUE(sequence);
    channel.wake_worker();
    return sequence.value_or(0);
  }

  /// The next result; fails the test if none comes.
  ipc::Result result() {
    ipc::Result result;
    const bool came = eventually([&] { return channel.try_pop(result) == ipc::Channel::Pop::kResult; });
    EXPECT_TRUE(came) << "no result";
    return result;
  }

  /// What an output file holds from `begin` to `end`.
  std::string output(std::size_t which, std::uint64_t begin, std::uint64_t end) const {
    std::string text(end - begin, '\0');
    EXPECT_TRUE(os::read_at(outputs[which].get(), begin, std::as_writable_bytes(std::span(text))));
    return text;
  }
};

class LauncherRig {
 public:
  /// `with_pidfd` false: as on a kernel without. `program`: whose end the launcher watches.
  explicit LauncherRig(bool with_pidfd = true) : tag_("PRONG_TEST_TAG=" + new_tag()) {
    auto [ours, theirs] = os::socket_pair();
    socket_ = std::move(ours);
    const os::Fd own_pidfd = with_pidfd ? os::open_pidfd(::getpid()) : os::Fd();
    os::ExecRequest request;
    request.arguments = launcher::to_argv(
        PRONG_LAUNCHER_BUILD_PATH, {.socket = 3, .program_pidfd = with_pidfd ? 4 : -1, .program_pid = ::getpid()});
    request.environment = os::current_environment();
    request.environment.push_back(tag_);
    request.fds = {{3, theirs.get()}};
    if (with_pidfd) request.fds.emplace_back(4, own_pidfd.get());
    os::ExecFailure failure;
    pid_ = os::spawn_detached(request, failure);
    EXPECT_GT(pid_, 0) << failure.stage << " " << failure.error;
    pidfd_ = os::open_pidfd(pid_);
    guard_ = pid_;
    pid_ = expect(launcher::MessageKind::kHello).pid;
  }
  LauncherRig(const LauncherRig&) = delete;
  LauncherRig& operator=(const LauncherRig&) = delete;

  /// Ends the launcher and sees that nothing survives.
  ~LauncherRig() {
    hang_up();
    EXPECT_TRUE(ended()) << "the launcher does not end";
    EXPECT_TRUE(eventually([&] { return survivors().empty(); })) << survivors().size() << " processes survive";
    for (const pid_t pid : survivors()) ::kill(pid, SIGKILL);
  }

  pid_t pid() const { return pid_; }
  pid_t guard() const { return guard_; }
  int socket() const { return socket_.get(); }
  const std::string& tag() const { return tag_; }
  /// The launcher and everything below it, however it was started: the environment tells.
  std::vector<pid_t> survivors() const { return processes_with(tag_); }

  void hang_up() {
    if (socket_) ::shutdown(socket_.get(), SHUT_WR);
  }
  /// Waits until the launcher has ended.
  bool ended() const {
    pollfd entry = {pidfd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 20'000) == 1;
  }

  void order(const launcher::Message& message, std::vector<int> fds = {}) {
    EXPECT_TRUE(launcher::send(socket_.get(), message, fds));
  }
  void set_program(const Program& program) {
    const std::string bytes = launcher::encode_program(program);
    const os::Fd file = os::create_memfd("test-program", 0);
    const ByteSpan parts[] = {as_bytes(bytes)};
    os::write_parts(file, parts);
    order({.kind = launcher::MessageKind::kProgram}, {file.get()});
  }
  /// Runs `script` as the program, with its own process id in $$.
  void set_script(const std::string& script) { set_program({{"/bin/sh", "-c", script}, {}}); }

  /// Orders a worker; its side of the channel is closed here, as a coordinator does.
  std::unique_ptr<WorkerEnd> start(std::uint64_t id, launcher::StartHow how) {
    auto worker = std::make_unique<WorkerEnd>();
    order({.kind = launcher::MessageKind::kStartWorker, .worker = id, .how = how},
          {worker->channel.fd(), worker->doorbell.get(), worker->worker_control.get()});
    worker->channel.drop_fd();
    worker->worker_control.reset();
    return worker;
  }
  void stop(std::uint64_t id, std::int64_t grace_ns = 0) {
    stop(id, grace_ns > 0 ? launcher::StopSteps{{{SIGTERM, grace_ns}}} : launcher::StopSteps{});
  }
  void stop(std::uint64_t id, const launcher::StopSteps& steps) {
    order({.kind = launcher::MessageKind::kStopWorker, .worker = id, .steps = steps});
  }

  /// The first report of this kind about this worker (0: about any). Others are kept for later calls.
  launcher::Message expect(launcher::MessageKind kind, std::uint64_t worker = 0) {
    launcher::Message found;
    const bool came = eventually([&] {
      take_reports();
      for (auto report = reports_.begin(); report != reports_.end(); ++report) {
        if (report->kind != kind || (worker != 0 && report->worker != worker)) continue;
        found = *report;
        reports_.erase(report);
        return true;
      }
      return false;
    });
    EXPECT_TRUE(came) << "no report of kind " << static_cast<int>(kind) << " about worker " << worker;
    return found;
  }
  /// Reports that no expect() has asked for.
  std::size_t unexpected() {
    take_reports();
    return reports_.size();
  }

 private:
  static std::string new_tag() {
    static int count = 0;
    return std::to_string(::getpid()) + "-" + std::to_string(++count);
  }
  void take_reports() {
    launcher::Message message;
    std::vector<os::Fd> fds;
    while (launcher::receive(socket_.get(), message, fds) == launcher::Received::kMessage) reports_.push_back(message);
  }

  std::string tag_;
  os::Fd socket_;
  os::Fd pidfd_;
  pid_t pid_ = -1;  ///< of the launcher
  pid_t guard_ = -1;
  std::deque<launcher::Message> reports_;
};

}  // namespace prong::test
