#include "launcher/keeper.h"

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launcher/environment.h"
#include "launcher/sweeper.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/poller.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/this_process.h"

namespace prong::launcher {
namespace {

constexpr int kSocketInNursery = 3;
constexpr int kPidfdInNursery = 4;
constexpr std::int64_t kEndPatience = 200'000'000;  ///< for a nursery that was asked to end
constexpr std::int64_t kNever = INT64_MAX;

/// Its pid, or -1.
pid_t start(const Program& program, const LauncherArguments& arguments) {
  os::ExecRequest request;
  request.arguments = program.arguments;
  request.environment = os::current_environment();
  apply_changes(request.environment, program.environment);
  set_variable(request.environment, kRoleVariable, "nursery");
  set_variable(request.environment, kDescriptorsVariable,
               std::to_string(kSocketInNursery) + "," + std::to_string(kPidfdInNursery));
  request.fds = {{kSocketInNursery, arguments.socket}, {kPidfdInNursery, arguments.program_pidfd}};
  request.die_with_parent = true;
  os::ExecFailure failure;
  return os::spawn(request, failure);
}

/// Whether it is a guard or a launcher: also one that was exec'ed just now, before it has told its name.
bool belongs_to_a_pool(pid_t pid) {
  return os::name_of(pid).starts_with("prong-");
}

class Keeper {
 public:
  Keeper(const LauncherArguments& arguments, os::Fd child_ended, pid_t nursery)
      : program_ended_(arguments.program_pidfd),
        socket_(arguments.socket),
        child_ended_(std::move(child_ended)),
        nursery_(nursery) {
    poller_.add(program_ended_.get(), kProgramEnded);
    poller_.add(child_ended_.get(), kChildEnded);
    // Of the socket just its end: what is sent is for the nursery. The program ends it when it wants no more pools, and
    // when it execs.
    poller_.add(socket_.get(), kDismissed, os::Poller::Trigger::kLevel, os::Poller::What::kEnd);
  }

  void run() {
    std::vector<std::uint64_t> ready;
    while (!is_over()) {
      ready.clear();
      poller_.wait(ready, due());
      for (const std::uint64_t token : ready) handle(token);
      if (nursery_ > 0 && os::monotonic_now() >= kill_at_) os::signal_process(nursery_, SIGKILL);
      reap_ended();
      strangers_left_ = may_kill() && kill_strangers();
    }
  }

 private:
  enum : std::uint64_t { kProgramEnded, kChildEnded, kDismissed };

  bool is_over() const { return childless_ || os::monotonic_now() >= end_at_; }
  bool may_kill() const { return nursery_ == 0 || spare_until_ != kNever; }

  std::int64_t due() const {
    if (strangers_left_) return os::monotonic_now() + Sweeper::kLongestPauseNs;  // their children may come to us late
    const std::int64_t next = nursery_ > 0 ? std::min(kill_at_, spare_until_) : spare_until_;
    return next == kNever ? -1 : next;
  }

  void handle(std::uint64_t token) {
    const std::int64_t now = os::monotonic_now();
    if (token == kChildEnded) return os::drain_signals(child_ended_.get());
    if (token == kDismissed) {
      poller_.remove(socket_.get());
      kill_at_ = std::min(kill_at_, now + kEndPatience);
      return;
    }
    poller_.remove(program_ended_.get());
    kill_at_ = now;
    spare_until_ = now + Sweeper::kBoundNs;
    end_at_ = spare_until_ + Sweeper::kBoundNs;
  }

  void reap_ended() {
    for (;;) {
      const os::Reaped reaped = os::reap_any(/*block=*/false);
      childless_ = reaped.pid == os::Reaped::kNoChildren;
      if (childless_ || reaped.pid == os::Reaped::kNoneEnded) return;
      if (reaped.pid != nursery_) continue;
      nursery_ = 0;
      poller_.remove(socket_.get());
      socket_.reset();  // the program hears that nobody serves it
      stubborn_after_ = os::monotonic_now() + Sweeper::kBoundNs;
    }
  }

  /// Whether there are any that are expected to end. Pools end by themselves when the program has ended; what has not
  /// in time hangs, as a copy of an interpreter may.
  bool kill_strangers() {
    const std::int64_t now = os::monotonic_now();
    bool found = false;
    for (const pid_t child : os::children_of(os::process_id())) {
      if (child == nursery_ || (now < spare_until_ && belongs_to_a_pool(child))) continue;
      os::kill_deep(child);
      found = true;
    }
    return found && (spare_until_ != kNever || now < stubborn_after_);
  }

  os::Fd program_ended_;
  os::Fd socket_;
  os::Fd child_ended_;
  os::Poller poller_;
  pid_t nursery_;  ///< 0: it has ended
  bool childless_ = false;
  bool strangers_left_ = false;
  std::int64_t kill_at_ = kNever;      ///< when the nursery is killed
  std::int64_t spare_until_ = kNever;  ///< when pools are killed, too
  std::int64_t end_at_ = kNever;
  std::int64_t stubborn_after_ = kNever;  ///< when strangers that still live are looked at no more
};

}  // namespace

void keep_nursery(const LauncherArguments& arguments) {
  // As with the launcher: signals meant for all are not for it.
  os::reset_dispositions();
  os::block_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE});
  const int kept[] = {arguments.socket, arguments.program_pidfd, arguments.nursery_program};
  os::close_all_but(kept);
  for (const int fd : kept) os::close_on_exec(fd, true);
  os::settle_standard_streams();
  os::start_session();
  os::set_process_name("prong-keeper");
  os::become_subreaper();
  os::Fd child_ended = os::create_child_signal_fd();
  const std::optional<Program> program = read_program(arguments.nursery_program);
  os::Fd(arguments.nursery_program).reset();
  const pid_t nursery = program ? start(*program, arguments) : -1;
  if (nursery > 0) Keeper(arguments, std::move(child_ended), nursery).run();
}

}  // namespace prong::launcher
