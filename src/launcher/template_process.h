// TemplateProcess: the launcher's end of a template: passes start orders on and takes the answers of its middle
// processes. Never blocks: what the socket does not take now waits until the template has answered. Launcher process.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <vector>

#include "launcher/protocol.h"
#include "os/child.h"
#include "os/fd.h"

namespace prong::launcher {

class TemplateProcess {
 public:
  /// A template that runs already: forked before the launcher was exec'ed. Its group is the program's.
  TemplateProcess(os::Fd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}
  /// Execs `program` as a template. Throws SystemError if there is no socket; pid() is -1 if `failure` says so.
  TemplateProcess(const Program& program, os::ExecFailure& failure);

  pid_t pid() const noexcept { return pid_; }
  int socket() const noexcept { return socket_.get(); }
  /// Whether orders wait for room in the socket.
  bool backlogged() const noexcept { return !orders_.empty(); }

  void order(const Message& message, std::vector<os::Fd> fds);
  /// Takes all answers that are there, then passes on what fits. False when nobody will answer any more.
  bool exchange(const std::function<void(const Message&)>& answer);
  void kill() noexcept;

 private:
  void pass_on();

  struct Order {
    Message message;
    std::vector<os::Fd> fds;
  };

  os::Fd socket_;
  pid_t pid_ = -1;
  bool leads_group_ = false;
  std::deque<Order> orders_;
};

}  // namespace prong::launcher
