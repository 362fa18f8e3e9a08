// Session: one pool as the launcher sees it: its coordinator's socket, its program, its template and its workers.
// Carries out orders and sends reports. When the coordinator or the program is gone, it kills everything that is its
// own. Launcher process; never blocks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "launcher/program_watch.h"
#include "launcher/protocol.h"
#include "launcher/sweeper.h"
#include "launcher/template_process.h"
#include "launcher/worker_set.h"
#include "os/fd.h"
#include "os/poller.h"

namespace prong::launcher {

class Session {
 public:
  /// What the poller's tokens name, counted from the session's first token.
  enum Source : std::uint64_t { kSocket, kProgram, kTemplate, kSources };

  /// Takes the descriptors that `arguments` names. Throws SystemError.
  Session(const LauncherArguments& arguments, std::uint64_t first_token, os::Poller& poller, Sweeper& sweeper);

  /// Something is readable.
  void ready(Source source);
  /// When on_time() wants to be called; -1: never.
  std::int64_t due() const noexcept;
  void on_time(std::int64_t now);

  /// Whether the process is a worker or the template of this session.
  bool owns(pid_t pid) const;
  /// Takes what middle processes have said, so that owns() knows every worker that was adopted before this call: a
  /// worker is announced before its middle process ends, and adopted after that.
  void take_announcements();
  /// An owned process is a zombie: kills what is left of its group and reaps it.
  void ended(pid_t pid);
  void swept(const Sweeper::Finished& sweep);

  /// Everything was killed and is gone, or did not go in time.
  bool over(std::int64_t now) const noexcept;

 private:
  void watch_template();
  void take_orders();
  void carry_out(const Message& order, std::vector<os::Fd> fds);
  void set_program(const std::vector<os::Fd>& fds);
  void start_template();
  void start_worker(const Message& order, std::vector<os::Fd> fds);
  void start_by_template(const Message& order, std::vector<os::Fd> fds);
  void start_by_exec(const Message& order, const std::vector<os::Fd>& fds);
  void start_command_worker(const Message& order, const std::vector<os::Fd>& fds);
  void template_answered(const Message& answer);
  void template_ended();
  void shut_down();
  void report(const Message& message);
  void send_reports();

  os::Poller& poller_;
  Sweeper& sweeper_;
  std::uint64_t first_token_;
  std::vector<int> command_fds_;
  os::Fd socket_;
  ProgramWatch program_watch_;
  std::optional<Program> program_;
  std::unique_ptr<TemplateProcess> template_;
  WorkerSet workers_;
  std::deque<Message> reports_;         ///< not taken by the socket yet
  std::int64_t give_up_at_ = -1;        ///< set by shut_down()
  Sweeper::Ticket template_sweep_ = 0;  ///< of what the template left behind; 0: none goes on
};

}  // namespace prong::launcher
