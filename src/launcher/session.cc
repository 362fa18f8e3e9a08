#include "launcher/session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "launcher/command_worker.h"
#include "launcher/environment.h"
#include "os/check.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/memory.h"

namespace prong::launcher {
namespace {

constexpr std::int64_t kRetryNs = 5'000'000;  // a socket was full: the other side leaves hundreds of messages unread
constexpr std::array<int, 3> kWorkerFds = {3, 4, 5};  // segment, doorbell, control socket in an exec'ed worker

std::int64_t earlier(std::int64_t a, std::int64_t b) {
  return a < 0 || b < 0 ? std::max(a, b) : std::min(a, b);
}

os::ExecRequest worker_request(const Program& program, const Message& order, const std::vector<os::Fd>& fds) {
  os::ExecRequest request;
  request.arguments = program.arguments;
  request.environment = os::current_environment();
  apply_changes(request.environment, program.environment);
  set_variable(request.environment, kRoleVariable, "worker");
  set_variable(request.environment, kDescriptorsVariable, "3,4,5");
  set_variable(request.environment, kLauncherPidVariable, std::to_string(os::process_id()));
  set_variable(request.environment, kWorkerVariable, std::to_string(order.worker));
  for (std::size_t i = 0; i < kWorkerFds.size(); ++i) request.fds.emplace_back(kWorkerFds[i], fds[i].get());
  request.new_group = true;
  request.die_with_parent = true;
  request.niceness = order.niceness;
  return request;
}

}  // namespace

Session::Session(const LauncherArguments& arguments, std::uint64_t first_token, os::Poller& poller, Sweeper& sweeper)
    : poller_(poller),
      sweeper_(sweeper),
      first_token_(first_token),
      command_fds_(arguments.command_fds),
      socket_(arguments.socket),
      program_watch_(os::Fd(arguments.program_pidfd), arguments.program_pid, os::monotonic_now()),
      workers_(sweeper, [this](const Message& message) { report(message); }) {
  poller_.add(socket_.get(), first_token_ + kSocket);
  if (program_watch_.descriptor() >= 0) poller_.add(program_watch_.descriptor(), first_token_ + kProgram);
  report({.kind = MessageKind::kHello, .pid = os::process_id()});
  if (arguments.template_pid <= 0) return;
  template_ = std::make_unique<TemplateProcess>(os::Fd(arguments.template_socket), arguments.template_pid);
  watch_template();
}

void Session::watch_template() {
  poller_.add(template_->socket(), first_token_ + kTemplate);
}

void Session::ready(Source source) {
  if (source == kSocket) take_orders();
  if (source == kTemplate) take_announcements();
  if (source == kProgram) {
    poller_.remove(program_watch_.descriptor());
    shut_down();
  }
}

std::int64_t Session::due() const noexcept {
  const bool full = !reports_.empty() || (template_ && template_->backlogged());
  const std::int64_t retry = full ? os::monotonic_now() + kRetryNs : -1;
  const std::int64_t watch = give_up_at_ < 0 ? program_watch_.due() : give_up_at_;
  return earlier(earlier(workers_.due(), watch), retry);
}

void Session::on_time(std::int64_t now) {
  workers_.on_time(now);
  send_reports();
  if (template_ && template_->backlogged()) take_announcements();
  if (give_up_at_ < 0 && program_watch_.ended(now)) shut_down();
}

bool Session::owns(pid_t pid) const {
  return (template_ && template_->pid() == pid) || workers_.owns(pid);
}

void Session::take_announcements() {
  if (!template_) return;
  if (template_->exchange([this](const Message& answer) { template_answered(answer); })) return;
  poller_.remove(template_->socket());
  template_->kill();  // it can start nothing any more; its status is to come
}

void Session::template_answered(const Message& answer) {
  if (answer.kind == MessageKind::kForked) workers_.started(answer.worker, answer.pid);
  if (answer.kind == MessageKind::kForkFailed) {
    sweeper_.begin(os::monotonic_now());  // its middle process may have been killed after the fork
    workers_.start_failed(answer.worker, answer.error, "fork");
  }
}

void Session::ended(pid_t pid) {
  if (template_ && template_->pid() == pid) {
    template_ended();
  } else {
    workers_.ended(pid);
  }
}

void Session::template_ended() {
  template_->kill();  // what is left of its group
  take_announcements();
  Message message{.kind = MessageKind::kTemplateGone, .pid = template_->pid()};
  message.status = os::reap(template_->pid());
  poller_.remove(template_->socket());
  template_.reset();
  template_sweep_ = sweeper_.begin(os::monotonic_now());
  workers_.template_lost(ECHILD, "template ended");
  report(message);
}

void Session::swept(const Sweeper::Finished& sweep) {
  if (sweep.ticket == template_sweep_) template_sweep_ = 0;
  workers_.swept(sweep);
}

bool Session::over(std::int64_t now) const noexcept {
  if (give_up_at_ < 0) return false;
  return now >= give_up_at_ || (workers_.empty() && !template_ && template_sweep_ == 0);
}

// ---- orders

void Session::take_orders() {
  for (;;) {
    Message order;
    std::vector<os::Fd> fds;
    const Received received = receive(socket_.get(), order, fds);
    if (received == Received::kNothing) return;
    if (received == Received::kClosed) {
      poller_.remove(socket_.get());
      return shut_down();
    }
    carry_out(order, std::move(fds));
  }
}

void Session::carry_out(const Message& order, std::vector<os::Fd> fds) {
  if (give_up_at_ >= 0) return;
  if (order.kind == MessageKind::kProgram) set_program(fds);
  if (order.kind == MessageKind::kStartTemplate) start_template();
  if (order.kind == MessageKind::kKillTemplate && template_) template_->kill();
  if (order.kind == MessageKind::kStartWorker) start_worker(order, std::move(fds));
  if (order.kind == MessageKind::kSignalWorker) workers_.signal(order.worker, order.status);
  if (order.kind == MessageKind::kStopWorker) workers_.stop(order.worker, order.steps);
  if (order.kind == MessageKind::kPing) report({.kind = MessageKind::kPong});
}

void Session::set_program(const std::vector<os::Fd>& fds) {
  if (fds.size() == 1) program_ = read_program(fds[0].get());
}

void Session::start_template() {
  if (template_) return;
  os::ExecFailure failure{"program", EINVAL};
  if (program_) template_ = std::make_unique<TemplateProcess>(*program_, failure);
  if (template_ && template_->pid() > 0) return watch_template();
  template_.reset();
  workers_.template_lost(failure.error, failure.stage);
  Message message{.kind = MessageKind::kTemplateGone, .error = failure.error};
  std::strncpy(message.stage, failure.stage, sizeof message.stage - 1);
  report(message);
}

void Session::start_worker(const Message& order, std::vector<os::Fd> fds) {
  if (!workers_.add(order.worker, order.how == StartHow::kTemplate)) return;
  if (fds.size() != kWorkerFds.size()) return workers_.start_failed(order.worker, EINVAL, "descriptors");
  if (order.how == StartHow::kTemplate) return start_by_template(order, std::move(fds));
  if (order.how == StartHow::kExec) return start_by_exec(order, fds);
  if (order.how == StartHow::kCommand) return start_command_worker(order, fds);
  workers_.start_failed(order.worker, EINVAL, "kind of start");
}

void Session::start_by_template(const Message& order, std::vector<os::Fd> fds) {
  if (!template_) return workers_.start_failed(order.worker, ECHILD, "no template");
  template_->order(order, std::move(fds));
}

void Session::start_by_exec(const Message& order, const std::vector<os::Fd>& fds) {
  if (!program_) return workers_.start_failed(order.worker, EINVAL, "program");
  os::ExecFailure failure;
  const pid_t pid = os::spawn(worker_request(*program_, order, fds), failure);
  if (pid < 0) return workers_.start_failed(order.worker, failure.error, failure.stage);
  workers_.started(order.worker, pid);
}

void Session::start_command_worker(const Message& order, const std::vector<os::Fd>& fds) {
  const CommandWorkerArguments arguments{.worker = order.worker,
                                         .launcher = os::process_id(),
                                         .segment = fds[0].get(),
                                         .doorbell = fds[1].get(),
                                         .control = fds[2].get(),
                                         .niceness = order.niceness,
                                         .command_fds = command_fds_};
  const pid_t pid = os::try_fork();
  if (pid == 0) run_command_worker(arguments);
  if (pid < 0) return workers_.start_failed(order.worker, errno, "fork");
  os::start_group(pid);  // by both sides, so that it is true for both at once
  workers_.started(order.worker, pid);
}

// ---- the end, and reports

void Session::shut_down() {
  if (give_up_at_ >= 0) return;
  give_up_at_ = os::monotonic_now() + Sweeper::kBoundNs;
  if (template_) template_->kill();
  workers_.kill_all();
  template_sweep_ = sweeper_.begin(os::monotonic_now());
}

void Session::report(const Message& message) {
  reports_.push_back(message);
  send_reports();
}

void Session::send_reports() {
  while (!reports_.empty()) {
    const auto bytes = std::as_bytes(std::span(&reports_.front(), 1));
    const os::SendResult result = os::send_message(socket_.get(), bytes);
    if (result == os::SendResult::kFull) return;
    if (result == os::SendResult::kClosed) return reports_.clear();  // nobody listens; the end is near
    reports_.pop_front();
  }
}

}  // namespace prong::launcher
