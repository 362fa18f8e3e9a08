#include "launcher/launcher.h"

#include <algorithm>
#include <csignal>
#include <vector>

#include "os/clock.h"
#include "os/process_tree.h"
#include "os/signals.h"
#include "os/this_process.h"

namespace prong::launcher {
namespace {

constexpr std::uint64_t kChildToken = 0;
constexpr std::uint64_t kFirstSessionToken = 1;
constexpr int kReapsAtOnce = 4096;  // so that a storm of deaths does not keep orders waiting

std::int64_t earlier(std::int64_t a, std::int64_t b) {
  return a < 0 || b < 0 ? std::max(a, b) : std::min(a, b);
}

os::Fd prepare_process(const LauncherArguments& arguments) {
  // Its life is bound to the program's. A signal meant for all (a terminal's, a service manager's) is the program's
  // business: were the launcher to end first, nobody would be left to clean up. Blocked, not ignored: a command worker
  // is a fork of the launcher, and one that is stopped before it has its handler must not miss that.
  os::block_signals({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE});
  // What came before the exec was not for it. (And an ignored SIGCHLD would survive exec and lose every status.)
  os::forget_pending_signals();
  os::block_only({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE});
  std::vector<int> kept = {arguments.socket, arguments.program_pidfd, arguments.template_socket};
  for (std::size_t i = 0; i < arguments.command_fds.size(); ++i) kept.push_back(kFirstCommandFd + static_cast<int>(i));
  os::close_all_but(kept);
  for (const int fd : kept) os::close_on_exec(fd, true);
  os::settle_standard_streams();
  os::start_session();
  os::set_process_name("prong-launcher");
  os::become_subreaper();
  return os::create_child_signal_fd();
}

}  // namespace

Launcher::Launcher(const LauncherArguments& arguments) : child_signal_(prepare_process(arguments)) {
  poller_.add(child_signal_.get(), kChildToken);
  add_session(arguments);
  more_to_reap_ = true;  // a template forked before the exec may have ended before the signal was blocked
}

void Launcher::add_session(const LauncherArguments& arguments) {
  const std::uint64_t token = kFirstSessionToken + sessions_.size() * Session::kSources;
  sessions_.push_back(std::make_unique<Session>(arguments, token, poller_, sweeper_));
}

void Launcher::run() {
  const auto is_over = [](const auto& session) { return session == nullptr; };
  while (!std::all_of(sessions_.begin(), sessions_.end(), is_over)) wait_and_handle();
}

void Launcher::wait_and_handle() {
  ready_.clear();
  poller_.wait(ready_, more_to_reap_ ? 0 : due());
  if (more_to_reap_) reap_ended();
  for (const std::uint64_t token : ready_) handle(token);
  if (sweeper_.due() >= 0 && sweeper_.due() <= os::monotonic_now()) sweep();
  const std::int64_t now = os::monotonic_now();
  for (auto& session : sessions_) {
    if (session == nullptr) continue;
    session->on_time(now);
    if (session->over(now)) session.reset();
  }
}

std::int64_t Launcher::due() const {
  std::int64_t earliest = sweeper_.due();
  for (const auto& session : sessions_) {
    if (session != nullptr) earliest = earlier(earliest, session->due());
  }
  return earliest;
}

void Launcher::handle(std::uint64_t token) {
  if (token == kChildToken) {
    os::drain_signals(child_signal_.get());
    return reap_ended();
  }
  const std::uint64_t place = token - kFirstSessionToken;
  const auto& session = sessions_[place / Session::kSources];
  if (session != nullptr) session->ready(static_cast<Session::Source>(place % Session::kSources));
}

void Launcher::reap_ended() {
  more_to_reap_ = false;
  for (int i = 0; i < kReapsAtOnce; ++i) {
    const pid_t pid = os::peek_ended_child();
    if (pid <= 0) return;
    bury(pid);
  }
  more_to_reap_ = true;
}

void Launcher::bury(pid_t pid) {
  Session* owner = owner_of(pid);
  if (owner == nullptr) {  // perhaps a worker that was not announced yet
    for (const auto& session : sessions_) {
      if (session != nullptr) session->take_announcements();
    }
    owner = owner_of(pid);
  }
  if (owner != nullptr) return owner->ended(pid);
  os::try_reap(pid);
  sweeper_.reaped(pid, os::monotonic_now());
}

Session* Launcher::owner_of(pid_t pid) {
  for (const auto& session : sessions_) {
    if (session != nullptr && session->owns(pid)) return session.get();
  }
  return nullptr;
}

// First the list, then what was announced: a worker in the list was announced before it was adopted.
std::vector<pid_t> Launcher::strangers() {
  std::vector<pid_t> found = os::children_of(os::process_id());
  for (const auto& session : sessions_) {
    if (session != nullptr) session->take_announcements();
  }
  std::erase_if(found, [this](pid_t pid) { return owner_of(pid) != nullptr; });
  return found;
}

void Launcher::sweep() {
  const Sweeper::Round round = sweeper_.round(strangers(), os::monotonic_now());
  // Below what a template left there may be a worker that was announced, and not adopted yet.
  const auto is_worker = [this](pid_t pid) { return owner_of(pid) != nullptr; };
  for (const pid_t pid : round.kill) os::kill_deep(pid, is_worker);
  for (const Sweeper::Finished& finished : round.finished) {
    for (const auto& session : sessions_) {
      if (session != nullptr) session->swept(finished);
    }
  }
}

}  // namespace prong::launcher
