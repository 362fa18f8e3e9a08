#include "launcher/template_process.h"

#include <csignal>

#include "launcher/environment.h"
#include "os/process_tree.h"

namespace prong::launcher {
namespace {

constexpr int kSocketInTemplate = 3;

}  // namespace

TemplateProcess::TemplateProcess(const Program& program, os::ExecFailure& failure) : leads_group_(true) {
  auto [ours, theirs] = os::socket_pair();
  os::ExecRequest request;
  request.arguments = program.arguments;
  request.environment = os::current_environment();
  apply_changes(request.environment, program.environment);
  set_variable(request.environment, kRoleVariable, "template");
  set_variable(request.environment, kDescriptorsVariable, std::to_string(kSocketInTemplate));
  set_variable(request.environment, kLauncherPidVariable, std::to_string(os::process_id()));
  request.fds = {{kSocketInTemplate, theirs.get()}};
  request.new_group = true;
  request.die_with_parent = true;
  pid_ = os::spawn(request, failure);
  socket_ = std::move(ours);
}

void TemplateProcess::order(const Message& message, std::vector<os::Fd> fds) {
  orders_.push_back({message, std::move(fds)});
  pass_on();
}

void TemplateProcess::pass_on() {
  while (!orders_.empty()) {
    const Order& order = orders_.front();
    std::vector<int> fds;
    for (const os::Fd& fd : order.fds) fds.push_back(fd.get());
    const auto bytes = std::as_bytes(std::span(&order.message, 1));
    // kClosed: its end will be seen; then everything that was ordered of it has failed.
    if (os::send_message(socket_.get(), bytes, fds) != os::SendResult::kSent) return;
    orders_.pop_front();
  }
}

bool TemplateProcess::exchange(const std::function<void(const Message&)>& answer) {
  Message message;
  std::vector<os::Fd> unexpected;
  Received received = Received::kMessage;
  while ((received = receive(socket_.get(), message, unexpected)) == Received::kMessage) answer(message);
  pass_on();
  return received != Received::kClosed;
}

void TemplateProcess::kill() noexcept {
  if (leads_group_) {
    os::signal_group(pid_, SIGKILL);
  } else {
    os::signal_process(pid_, SIGKILL);
  }
}

}  // namespace prong::launcher
