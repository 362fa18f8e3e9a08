#include "pool/crew.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/duration.h"
#include "os/stacks.h"
#include "os/usage.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

using launcher::MessageKind;
using launcher::StartHow;

constexpr int kHopelessAfter = 4;  ///< failed starts in a row
constexpr int kHopelessLaunchers = 10;
constexpr MonotonicNs kRetryDelay = 50'000'000;
/// A look at the launcher's socket is a system call; between jobs that take microseconds it is made this often.
constexpr MonotonicNs kLauncherPause = 500'000;
constexpr MonotonicNs kBeginPatience = 5'000'000'000;
constexpr MonotonicNs kBacklogPause = 5'000'000;
/// Answers of a worker that are taken before new jobs are given out, so that it does not run dry meanwhile.
constexpr int kPortion = 64;
constexpr MonotonicNs kStacksPatience = 50'000'000;

std::string stage_of(const launcher::Message& message) {
  return {message.stage, ::strnlen(message.stage, sizeof message.stage)};
}

/// By somebody else: no sign of a start that cannot work.
bool was_killed(int wait_status) {
  return WIFSIGNALED(wait_status) && (WTERMSIG(wait_status) == SIGKILL || WTERMSIG(wait_status) == SIGTERM);
}

/// What comes before SIGKILL.
launcher::StopSteps stop_steps_of(const PoolOptions& options) {
  launcher::StopSteps steps;
  for (std::size_t i = 0; i < options.stop_signals.size(); ++i)
    steps.at(i) = {options.stop_signals[i].signal, options.stop_signals[i].wait.count()};
  if (options.stop_signals.empty() && options.grace.count() > 0) steps.front() = {SIGTERM, options.grace.count()};
  return steps;
}

std::string how_it_ended(int wait_status) {
  if (WIFSIGNALED(wait_status)) return describe(Outcome{Signalled{WTERMSIG(wait_status), false}});
  return describe(Outcome{Exited{WEXITSTATUS(wait_status)}});
}

}  // namespace

Crew::Crew(const PoolOptions& options, os::Poller& poller, CrewEvents& events)
    : options_(options),
      poller_(poller),
      events_(events),
      places_(options.workers),
      stop_steps_(stop_steps_of(options)),
      oom_kills_(os::oom_kills()) {
  start_launcher();
}

void Crew::start_launcher() {
  auto launcher = std::make_unique<LauncherClient>(
      options_, launcher_deaths_ == 0 ? LauncherClient::Patience::kSome : LauncherClient::Patience::kNone);
  poller_.add(launcher->socket(), kLauncherToken);  // may throw: one that is not listened to would never be seen to end
  launcher_ = std::move(launcher);
  launcher_watch_.heard();
  has_template_ = options_.start == StartKind::kFork;
  if (options_.start == StartKind::kFresh) start_template();
}

void Crew::start_template() {
  has_template_ = true;
  launcher_->start_template();
}

bool Crew::can_start() const noexcept {
  return !dismissed_ && launcher_ && (has_template_ || options_.start != StartKind::kFork);
}

int Crew::live() const noexcept {
  return static_cast<int>(std::count_if(links_.begin(), links_.end(), [](const auto& link) {
    return link->state == LinkState::kStarting || link->state == LinkState::kServing;
  }));
}

void Crew::set_places(int places) noexcept {
  places_ = places;
  shrinking_ = live() > places_;
}

void Crew::shrink(MonotonicNs now) {
  int too_many = live() - places_;
  for (auto link = links_.rbegin(); link != links_.rend() && too_many > 0; ++link) {
    if (!(*link)->idle()) continue;
    if ((*link)->state == LinkState::kServing)
      finish(**link, now);
    else if ((*link)->state == LinkState::kStarting)
      stop(**link, Kill::kAtOnce);
    else
      continue;
    --too_many;
  }
  shrinking_ = too_many > 0;
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
  if (!can_start() || now < retry_at_) return nullptr;
  try {
    auto link = std::make_shared<WorkerLink>(next_id_++, options_.start == StartKind::kCommand);
    poller_.add(link->doorbell(), kFirstWorkerToken + link->id(), os::Poller::Trigger::kEdge);
    // Before there is a worker: nobody wakes it for this one.
    if (!options_.initializer.empty()) link->push_control(ipc::RequestKind::kInitialize, options_.initializer, now);
    if (options_.start == StartKind::kFresh && !has_template_) start_template();
    launcher_->start_worker(link->id(), how(), options_.niceness, link->worker_fds());
    link->handed_over();
    link->ordered_at = now;
    ++started_;
    links_.push_back(std::move(link));
    return links_.back().get();
  } catch (const SystemError& error) {
    note_failed_start(error.what(), now);
    return nullptr;
  }
}

void Crew::finish(WorkerLink& link, MonotonicNs now) {
  if (!link.push_control(ipc::RequestKind::kFinish, options_.finalizer, now)) return stop(link, Kill::kAtOnce);
  link.state = LinkState::kFinishing;
  link.stop_by = now + options_.finalizer_timeout.count();
  link.wake();
}

void Crew::stop(WorkerLink& link, Kill kill) {
  link.state = LinkState::kStopping;
  if (launcher_) launcher_->stop_worker(link.id(), kill == Kill::kGently ? stop_steps_ : launcher::StopSteps{});
}

void Crew::ask_for_stacks(WorkerLink& link, Kill afterwards, MonotonicNs now) {
  link.state = LinkState::kAsked;
  link.stop_by = now + kStacksPatience;
  link.stop_how = afterwards;
  if (launcher_) launcher_->signal_worker(link.id(), os::stack_signal());
}

void Crew::listen(MonotonicNs now) {
  if (now - launcher_heard_ >= kLauncherPause) hear_launcher(now);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (links_[i]->idle() || links_[i]->state == LinkState::kStarting) continue;
    const std::shared_ptr<WorkerLink> link = links_[i];
    drain(*link, now, kPortion);
  }
}

void Crew::hear_launcher(MonotonicNs now) {
  launcher_heard_ = now;
  if (launcher_) launcher_->send_orders();
  launcher::Message message;
  while (launcher_) {
    const launcher::Received received = launcher_->receive(message);
    if (received == launcher::Received::kNothing) break;
    launcher_watch_.heard();
    if (received == launcher::Received::kClosed) {
      on_launcher_gone(now);
      break;
    }
    handle(message, now);
  }
}

/// Its own end, or the end of a worker, which may come at any time while one works.
bool Crew::launcher_owes_something() const noexcept {
  if (!launcher_) return false;
  return dismissed_ || std::any_of(links_.begin(), links_.end(), [](const auto& link) {
           return link->state != LinkState::kServing || !link->idle();
         });
}

void Crew::watch_launcher(MonotonicNs now) {
  switch (launcher_watch_.look(launcher_owes_something(), now)) {
    case LauncherWatch::Verdict::kWait:
      return;
    case LauncherWatch::Verdict::kAsk:
      return launcher_->ping();
    case LauncherWatch::Verdict::kHung:
      return launcher_->kill();  // its end is seen by listen()
  }
}

MonotonicNs Crew::next_watch(MonotonicNs now) const noexcept {
  if (launcher_ && launcher_->backlogged()) return now + kBacklogPause;
  if (!launcher_owes_something()) return 0;
  const MonotonicNs due = launcher_watch_.due();
  return due == 0 ? now : due;
}

/// A worker that has nothing to do, and no room for a job all the same.
bool Crew::refuses_for_ever(WorkerLink& link, MonotonicNs now) {
  if (link.refused_since == 0 || link.state != LinkState::kServing) return false;
  if (!link.idle() || link.has_room()) link.refused_since = 0;
  return link.refused_since != 0 && now - link.refused_since >= kBeginPatience;
}

/// A worker that has worked, and does not begin what it was given, or does not even pass over what was taken back from
/// it: it was stopped while it was idle.
void Crew::watch_idle_workers(MonotonicNs now) {
  for (const auto& link : links_) {
    if (refuses_for_ever(*link, now)) stop(*link, {});
    if (link->state != LinkState::kServing || link->never_answered() || link->idle()) continue;
    const Outstanding& front = link->outstanding().front();
    if (std::exchange(link->front_seen, front.sequence) != front.sequence) link->front_since = now;
    // To forget a function runs the program's code, too: what deletes the objects that the function held.
    const bool takes_no_time = front.kind == ipc::RequestKind::kForget || front.kind == ipc::RequestKind::kRelease;
    if (link->has_begun(now) && !takes_no_time) continue;
    if (now - link->front_since < kBeginPatience) continue;
    stop(*link, Kill::kAtOnce);  // what it did not begin goes to another one
  }
}

/// Since when the worker has been ordered, or has had its first request without being seen to begin it; 0: it is not
/// awaited.
MonotonicNs Crew::awaited_since(WorkerLink& link, MonotonicNs now) {
  if (link.state == LinkState::kStarting) return link.ordered_at;
  if (link.state != LinkState::kServing || !link.never_answered() || link.idle() || link.has_begun(now)) return 0;
  return std::max(link.ordered_at, link.outstanding().front().pushed);
}

/// A template that imports without end, or an interpreter that never comes to its first request.
void Crew::watch_starts(MonotonicNs now) {
  const auto patience = options_.start_timeout.count();
  if (patience == 0) return;
  for (const auto& link : links_) {
    const MonotonicNs since = awaited_since(*link, now);
    if (since == 0 || now - since < patience) continue;
    if (link->state == LinkState::kStarting && how() == StartHow::kTemplate) {
      template_hangs_ = true;
      launcher_->kill_template();
      for (const auto& each : links_) each->ordered_at = now;
      return;
    }
    stop(*link, Kill::kAtOnce);
    note_failed_start("a worker did not come to its first job within " + base::describe(options_.start_timeout), now);
  }
}

MonotonicNs Crew::next_start_watch(MonotonicNs now) {
  MonotonicNs first = 0;
  for (const auto& link : links_) {
    const MonotonicNs since = awaited_since(*link, now);
    if (options_.start_timeout.count() == 0 || since == 0) continue;
    const MonotonicNs due = since + options_.start_timeout.count();
    first = first == 0 ? due : std::min(first, due);
  }
  return first;
}

bool Crew::anything_waiting() const noexcept {
  return std::any_of(links_.begin(), links_.end(), [](const auto& link) {
    return !link->idle() && link->state != LinkState::kStarting && !link->damaged && link->results_waiting();
  });
}

// Idle workers stay armed, so that what each step costs does not grow with them; one that gets something is disarmed
// with that.
bool Crew::arm() {
  armed_ = true;
  for (const auto& link : links_)
    if (!link->damaged && !(link->idle() && link->armed())) link->arm();
  return !anything_waiting();
}

void Crew::disarm() {
  armed_ = false;
  for (const auto& link : links_)
    if (!link->damaged && !link->idle()) link->disarm();
}

/// Takes its answers, so many `most`.
void Crew::drain(WorkerLink& link, MonotonicNs now, int most) {
  if (link.damaged) return;
  Ending ending;
  for (int taken = 0; taken < most; ++taken) {
    switch (link.pop(ending, now)) {
      case WorkerLink::Pop::kEmpty:
        if (link.state != LinkState::kServing || link.makes_sense()) return;
        [[fallthrough]];
      case WorkerLink::Pop::kDamaged:
        link.damaged = true;
        stop(link, Kill::kAtOnce);
        return;
      case WorkerLink::Pop::kEnding:
        link.answered(now);
        if (ending.request.kind == ipc::RequestKind::kRun) {
          failed_starts_ = 0;
          launcher_deaths_ = 0;
          ++link.jobs_done;
        }
        events_.on_ending(link, ending);
        if (link.damaged) return stop(link, Kill::kAtOnce);
    }
  }
}

void Crew::handle(const launcher::Message& message, MonotonicNs now) {
  if (message.kind == MessageKind::kTemplateGone) return on_template_gone(message, now);
  WorkerLink* link = find(message.worker);
  if (link == nullptr) return;
  switch (message.kind) {
    case MessageKind::kWorkerStarted:
      return on_started(*link, message.pid, now);
    case MessageKind::kStartFailed:
      return on_start_failed(*link, message, now);
    case MessageKind::kWorkerGone:
      return on_worker_gone(
          *link, {.wait_status = message.status, .unconfirmed = message.unconfirmed, .left = stage_of(message)}, now);
    default:
      return;  // not for the coordinator
  }
}

void Crew::on_started(WorkerLink& link, int pid, MonotonicNs now) {
  link.pid = pid;
  link.served_since = now;
  if (link.state == LinkState::kStarting) link.state = LinkState::kServing;
}

void Crew::on_start_failed(WorkerLink& link, const launcher::Message& message, MonotonicNs now) {
  const std::string stage = stage_of(message);
  events_.on_gone(link, {.vanished = true}, link.bury());
  remove(link);
  if (message.error == ECHILD && how() == StartHow::kTemplate) {  // counted there, once; but then this one still lived
    give_up_without_template();
    return give_up_if_hopeless(template_gone_because_);
  }
  note_failed_start(SystemError("start a worker (" + stage + ")", message.error).what(), now);
}

/// SIGKILL that nobody here sent, and the kernel's count has grown.
bool Crew::ran_out_of_memory(int wait_status) {
  if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) return false;
  return std::exchange(oom_kills_, os::oom_kills()) < oom_kills_;
}

void Crew::on_worker_gone(WorkerLink& link, Death death, MonotonicNs now) {
  if (link.state == LinkState::kStarting) link.state = LinkState::kServing;  // its report was overtaken
  const bool was_damaged = link.damaged;
  drain(link, now);
  const bool damaged_unnoticed = link.damaged && !was_damaged;  // until now: so it was not stopped for that
  const bool stopped = !damaged_unnoticed && (link.state == LinkState::kAsked || link.state == LinkState::kStopping);
  const bool expected = link.state == LinkState::kFinishing || stopped;
  const bool never_worked = !expected && link.never_answered() && !link.has_begun(now);
  death.expected = expected && !link.verdict;
  death.out_of_memory = !expected && ran_out_of_memory(death.wait_status);
  if (!death.expected) ++lost_;
  events_.on_gone(link, death, link.bury());
  if (death.unconfirmed == 0) link.take_all_blocks_back();
  remove(link);
  if (never_worked && !was_killed(death.wait_status))
    note_failed_start("a worker " + how_it_ended(death.wait_status) + " before its first job", now);
  give_up_without_template();
}

void Crew::on_template_gone(const launcher::Message& message, MonotonicNs now) {
  if (dismissed_) return;
  const std::string program = options_.program.arguments.empty() ? "" : options_.program.arguments.front();
  std::string why = message.error != 0 ? SystemError("start the template '" + program + "'", message.error).what()
                                       : "the template " + how_it_ended(message.status);
  const bool hung = std::exchange(template_hangs_, false);
  if (hung)
    why =
        "the template started no worker within " + base::describe(options_.start_timeout) + " (an import that hangs?)";
  has_template_ = false;
  template_gone_because_ = why;
  if (options_.start == StartKind::kFork) return give_up_without_template();
  // One that ends again and again is started again only when a worker is wanted, and not at once.
  if (launcher_ && failed_starts_ == 0) start_template();
  if (hung || message.error != 0 || !was_killed(message.status)) note_failed_start(why, now);
}

/// A pool of kind fork has one template. Its workers go on without; after the last one there are no others.
void Crew::give_up_without_template() {
  if (options_.start == StartKind::kFork && !has_template_ && !dismissed_ && live() == 0)
    events_.on_hopeless(template_gone_because_);
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
  if (++launcher_deaths_ >= kHopelessLaunchers) {
    events_.on_hopeless("the launcher died " + std::to_string(launcher_deaths_) +
                        " times, and no job was done meanwhile");
    return;
  }
  retry_at_ = now + kRetryDelay;
  try {
    start_launcher();
  } catch (const Error& error) {
    events_.on_hopeless(error.what());
  }
}

void Crew::note_failed_start(const std::string& why, MonotonicNs now) {
  retry_at_ = now + kRetryDelay * failed_starts_;
  ++failed_starts_;
  give_up_if_hopeless(why);
}

void Crew::give_up_if_hopeless(const std::string& why) {
  if (failed_starts_ >= kHopelessAfter && live() == 0) events_.on_hopeless(why);
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
