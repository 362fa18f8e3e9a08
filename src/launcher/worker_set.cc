#include "launcher/worker_set.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <vector>

#include "os/clock.h"
#include "os/process_tree.h"

namespace prong::launcher {

bool WorkerSet::add(std::uint64_t id, bool by_template) {
  return workers_.emplace(id, Worker{.by_template = by_template}).second;
}

void WorkerSet::started(std::uint64_t id, pid_t pid) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || found->second.pid != 0 || pid <= 0) return;
  found->second.pid = pid;
  id_of_pid_[pid] = id;
  apply(id, WorkerEvent::kStarted, {});
}

void WorkerSet::start_failed(std::uint64_t id, int error, const char* stage) {
  apply(id, WorkerEvent::kStartFailed, {.error = error, .stage = stage});
}

void WorkerSet::template_lost(int error, const char* stage) {
  apply_to_each([](const Worker& worker) { return worker.by_template && worker.pid == 0; }, WorkerEvent::kStartFailed,
                {.error = error, .stage = stage});
}

void WorkerSet::signal(std::uint64_t id, int signal) {
  const auto found = workers_.find(id);
  if (found == workers_.end() || found->second.state != WorkerState::kRunning) return;
  os::signal_process(found->second.pid, SIGCONT);
  os::signal_process(found->second.pid, signal);
}

void WorkerSet::stop(std::uint64_t id, const StopSteps& steps) {
  apply(id, steps.front().signal != 0 ? WorkerEvent::kStop : WorkerEvent::kKill, {.steps = steps});
}

void WorkerSet::kill_all() {
  apply_to_each([](const Worker&) { return true; }, WorkerEvent::kKill, {});
}

void WorkerSet::ended(pid_t pid) {
  const auto found = id_of_pid_.find(pid);
  if (found != id_of_pid_.end()) apply(found->second, WorkerEvent::kEnded, {});
}

void WorkerSet::swept(const Sweeper::Finished& sweep) {
  apply_to_each([&](const Worker& worker) { return worker.sweep == sweep.ticket; }, WorkerEvent::kSwept,
                {.unconfirmed = sweep.unconfirmed,
                 .left = sweep.one_of_them == 0 ? "" : os::describe_process(sweep.one_of_them)});
}

std::int64_t WorkerSet::due() const noexcept {
  std::int64_t earliest = -1;
  for (const auto& [id, worker] : workers_) {
    if (worker.state != WorkerState::kStopping) continue;
    earliest = earliest < 0 ? worker.deadline : std::min(earliest, worker.deadline);
  }
  return earliest;
}

void WorkerSet::on_time(std::int64_t now) {
  const auto over = [now](const Worker& worker) {
    return worker.state == WorkerState::kStopping && worker.deadline <= now;
  };
  const auto has_another = [](const Worker& worker) {
    return worker.next_step < worker.steps.size() && worker.steps[worker.next_step].signal != 0;
  };
  apply_to_each([&](const Worker& worker) { return over(worker) && !has_another(worker); }, WorkerEvent::kDeadline, {});
  apply_to_each(over, WorkerEvent::kNextSignal, {});
}

void WorkerSet::apply(std::uint64_t id, WorkerEvent event, const Detail& detail) {
  const auto found = workers_.find(id);
  if (found == workers_.end()) return;
  Worker& worker = found->second;
  const WorkerStep step = worker_step(worker.state, event);
  worker.state = step.next;
  act(id, worker, step.action, detail);
  if (step.next == WorkerState::kGone) workers_.erase(found);
}

void WorkerSet::apply_to_each(const std::function<bool(const Worker&)>& concerned, WorkerEvent event,
                              const Detail& detail) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, worker] : workers_) {
    if (concerned(worker)) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) apply(id, event, detail);
}

void WorkerSet::act(std::uint64_t id, Worker& worker, WorkerAction action, const Detail& detail) {
  switch (action) {
    case WorkerAction::kNothing:
      return;
    case WorkerAction::kReportStarted:
      return report(MessageKind::kWorkerStarted, id, worker, detail);
    case WorkerAction::kReportStartedAndKill:
      report(MessageKind::kWorkerStarted, id, worker, detail);
      os::signal_group(worker.pid, SIGKILL);
      return;
    case WorkerAction::kReportFailed:
      return report(MessageKind::kStartFailed, id, worker, detail);
    case WorkerAction::kSignal:
      if (detail.steps.front().signal != 0) worker.steps = detail.steps;
      return send_next(worker);
    case WorkerAction::kHasten:
      worker.deadline = std::min(worker.deadline, os::monotonic_now() + detail.steps.front().wait_ns);
      return;
    case WorkerAction::kKill:
      os::signal_group(worker.pid, SIGKILL);
      return;
    case WorkerAction::kReap:
      return reap(worker);
    case WorkerAction::kReportGone:
      return report(MessageKind::kWorkerGone, id, worker, detail);
  }
}

void WorkerSet::send_next(Worker& worker) {
  const StopStep& step = worker.steps[worker.next_step++];
  worker.deadline = os::monotonic_now() + step.wait_ns;
  os::signal_group(worker.pid, static_cast<int>(step.signal));
  os::signal_group(worker.pid, SIGCONT);
}

void WorkerSet::reap(Worker& worker) {
  os::signal_group(worker.pid, SIGKILL);  // while the zombie keeps the group's number from being used again
  id_of_pid_.erase(worker.pid);
  worker.status = os::reap(worker.pid);
  worker.sweep = sweeper_.begin(os::monotonic_now());
}

void WorkerSet::report(MessageKind kind, std::uint64_t id, const Worker& worker, const Detail& detail) {
  Message message;
  message.kind = kind;
  message.worker = id;
  message.pid = worker.pid;
  message.status = worker.status;
  message.error = detail.error;
  message.unconfirmed = detail.unconfirmed;
  const char* text = detail.left.empty() ? detail.stage : detail.left.c_str();
  std::strncpy(message.stage, text, sizeof message.stage - 1);
  report_(message);
}

}  // namespace prong::launcher
