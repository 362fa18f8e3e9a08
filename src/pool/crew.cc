#include "pool/crew.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "prong/error.h"

namespace prong::pool {
namespace {

using launcher::MessageKind;
using launcher::StartHow;

constexpr int kHopelessAfter = 4;  ///< failed starts in a row
constexpr MonotonicNs kRetryDelay = 50'000'000;
/// A look at the launcher's socket is a system call; between jobs that take microseconds it is made this often.
constexpr MonotonicNs kLauncherPause = 500'000;

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status)) return describe(Outcome{Signalled{WTERMSIG(wait_status), false}});
  return describe(Outcome{Exited{WEXITSTATUS(wait_status)}});
}

}  // namespace

Crew::Crew(const PoolOptions& options, os::Poller& poller, CrewEvents& events)
    : options_(options), poller_(poller), events_(events) {
  start_launcher();
}

void Crew::start_launcher() {
  launcher_ = std::make_unique<LauncherClient>(options_);
  poller_.add(launcher_->socket(), kLauncherToken);
  if (options_.start == StartKind::kFresh) launcher_->start_template();
}

int Crew::live() const noexcept {
  return static_cast<int>(std::count_if(links_.begin(), links_.end(), [](const auto& link) {
    return link->state == LinkState::kStarting || link->state == LinkState::kServing;
  }));
}

StartHow Crew::how() const noexcept {
  switch (options_.start) {
    case StartKind::kFresh:
    case StartKind::kFork:
      return StartHow::kTemplate;
    case StartKind::kSpawn:
      return StartHow::kExec;
    case StartKind::kCommand:
      return StartHow::kCommand;
  }
  return StartHow::kTemplate;
}

WorkerLink* Crew::start(MonotonicNs now) {
  if (dismissed_ || !launcher_ || now < retry_at_) return nullptr;
  try {
    auto link = std::make_shared<WorkerLink>(next_id_++, options_.start == StartKind::kCommand);
    poller_.add(link->doorbell(), kFirstWorkerToken + link->id(), os::Poller::Trigger::kEdge);
    // Before there is a worker: nobody wakes it for this one.
    if (!options_.initializer.empty()) link->push_control(ipc::RequestKind::kInitialize, options_.initializer, now);
    if (!launcher_->start_worker(link->id(), how(), link->worker_fds())) {
      poller_.remove(link->doorbell());
      return nullptr;  // the launcher's end is seen by listen()
    }
    link->handed_over();
    ++started_;
    links_.push_back(std::move(link));
    return links_.back().get();
  } catch (const SystemError& error) {
    note_failed_start(error.what(), now);
    return nullptr;
  }
}

void Crew::finish(WorkerLink& link, MonotonicNs now) {
  if (!link.push_control(ipc::RequestKind::kFinish, options_.finalizer, now)) return stop(link, {});
  link.state = LinkState::kFinishing;
  link.stop_by = now + options_.finalizer_timeout.count();
  link.wake();
}

void Crew::stop(WorkerLink& link, std::chrono::nanoseconds grace) {
  link.state = LinkState::kStopping;
  if (launcher_) launcher_->stop_worker(link.id(), grace);
}

void Crew::listen(MonotonicNs now) {
  if (now - launcher_heard_ >= kLauncherPause) hear_launcher(now);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const std::shared_ptr<WorkerLink> link = links_[i];
    if (link->state != LinkState::kStarting) drain(*link, now);
  }
}

void Crew::hear_launcher(MonotonicNs now) {
  launcher_heard_ = now;
  launcher::Message message;
  while (launcher_) {
    const launcher::Received received = launcher_->receive(message);
    if (received == launcher::Received::kNothing) break;
    if (received == launcher::Received::kClosed) {
      on_launcher_gone(now);
      break;
    }
    handle(message, now);
  }
}

bool Crew::anything_waiting() const noexcept {
  return std::any_of(links_.begin(), links_.end(), [](const auto& link) {
    return link->state != LinkState::kStarting && !link->damaged && link->results_waiting();
  });
}

void Crew::drain(WorkerLink& link, MonotonicNs now) {
  if (link.damaged) return;
  Ending ending;
  for (;;) {
    switch (link.pop(ending, now)) {
      case WorkerLink::Pop::kEmpty:
        return;
      case WorkerLink::Pop::kDamaged:
        link.damaged = true;
        stop(link, {});
        return;
      case WorkerLink::Pop::kEnding:
        failed_starts_ = 0;
        if (ending.request.kind == ipc::RequestKind::kRun) ++link.jobs_done;
        events_.on_ending(link, ending);
        if (link.damaged) return stop(link, {});
    }
  }
}

void Crew::handle(const launcher::Message& message, MonotonicNs now) {
  if (message.kind == MessageKind::kTemplateGone) return on_template_gone(message, now);
  WorkerLink* link = find(message.worker);
  if (link == nullptr) return;
  switch (message.kind) {
    case MessageKind::kWorkerStarted:
      return on_started(*link, message.pid);
    case MessageKind::kStartFailed:
      return on_start_failed(*link, message, now);
    case MessageKind::kWorkerGone:
      return on_worker_gone(*link, {.wait_status = message.status, .unconfirmed = message.unconfirmed}, now);
    default:
      return;  // not for the coordinator
  }
}

void Crew::on_started(WorkerLink& link, int pid) {
  link.pid = pid;
  if (link.state == LinkState::kStarting) link.state = LinkState::kServing;
}

void Crew::on_start_failed(WorkerLink& link, const launcher::Message& message, MonotonicNs now) {
  const std::string stage(message.stage, ::strnlen(message.stage, sizeof message.stage));
  events_.on_gone(link, {.wait_status = 0}, link.bury());
  remove(link);
  note_failed_start(SystemError("start a worker (" + stage + ")", message.error).what(), now);
}

void Crew::on_worker_gone(WorkerLink& link, const Death& death, MonotonicNs now) {
  if (link.state == LinkState::kStarting) link.state = LinkState::kServing;  // its report was overtaken
  drain(link, now);
  const bool expected = link.state == LinkState::kFinishing || link.state == LinkState::kStopping;
  const bool never_worked = !expected && link.jobs_done == 0 && link.running(now) == nullptr;
  if (!expected || link.verdict) ++lost_;
  events_.on_gone(link, death, link.bury());
  remove(link);
  if (never_worked) note_failed_start("a worker " + how_it_ended(death.wait_status) + " before its first job", now);
}

void Crew::on_template_gone(const launcher::Message& message, MonotonicNs now) {
  if (dismissed_) return;
  std::string why = message.error != 0 ? SystemError("start the template", message.error).what()
                                       : "the template " + how_it_ended(message.status);
  if (launcher_ && options_.start == StartKind::kFresh) launcher_->start_template();
  if (options_.start == StartKind::kFork) failed_starts_ = kHopelessAfter;  // there is only one
  note_failed_start(why, now);
}

void Crew::on_launcher_gone(MonotonicNs now) {
  poller_.remove(launcher_->socket());
  launcher_.reset();
  while (!links_.empty()) {
    const std::shared_ptr<WorkerLink> link = links_.front();
    link->state = LinkState::kStopping;
    drain(*link, now);
    ++lost_;
    events_.on_gone(*link, {.launcher_lost = true}, link->bury());
    remove(*link);
  }
  if (dismissed_) return;
  if (options_.start == StartKind::kFork) {
    events_.on_hopeless("the launcher died, and with it the template that was forked from the program");
    return;
  }
  note_failed_start("the launcher died", now);
  if (failed_starts_ >= kHopelessAfter) return;
  try {
    start_launcher();
  } catch (const Error& error) {
    events_.on_hopeless(error.what());
  }
}

void Crew::note_failed_start(const std::string& why, MonotonicNs now) {
  retry_at_ = now + kRetryDelay * failed_starts_;
  if (++failed_starts_ >= kHopelessAfter && live() == 0) events_.on_hopeless(why);
}

void Crew::remove(WorkerLink& link) {
  poller_.remove(link.doorbell());
  std::erase_if(links_, [&](const auto& candidate) { return candidate.get() == &link; });
}

WorkerLink* Crew::find(std::uint64_t id) noexcept {
  const auto found = std::find_if(links_.begin(), links_.end(), [&](const auto& link) { return link->id() == id; });
  return found == links_.end() ? nullptr : found->get();
}

void Crew::dismiss() noexcept {
  dismissed_ = true;
  if (launcher_) launcher_->shut_down();
}

}  // namespace prong::pool
