// WorkerSet: the workers of one session: applies the worker table to events and carries its actions out on processes.
// Launcher process; never blocks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "launcher/protocol.h"
#include "launcher/sweeper.h"
#include "launcher/worker_table.h"

namespace prong::launcher {

class WorkerSet {
 public:
  using Report = std::function<void(const Message&)>;

  WorkerSet(Sweeper& sweeper, Report report) : sweeper_(sweeper), report_(std::move(report)) {}

  /// A worker is asked for. False if there is one of this number already.
  bool add(std::uint64_t id, bool by_template);
  void started(std::uint64_t id, pid_t pid);
  void start_failed(std::uint64_t id, int error, const char* stage);
  /// All that were asked of the template and have not been announced.
  void template_lost(int error, const char* stage);

  /// Continues the worker, if it runs, and sends it a signal.
  void signal(std::uint64_t id, int signal);
  /// The first of the signals now; SIGKILL after the last one, or now if there is none.
  void stop(std::uint64_t id, const StopSteps& steps);
  void kill_all();

  bool owns(pid_t pid) const { return id_of_pid_.contains(pid); }
  bool empty() const noexcept { return workers_.empty(); }
  /// `pid` is a zombie: kills what is left of its group, reaps it, begins a sweep.
  void ended(pid_t pid);
  void swept(const Sweeper::Finished& sweep);

  /// When the next worker has not ended in time; -1: never.
  std::int64_t due() const noexcept;
  void on_time(std::int64_t now);

 private:
  struct Worker {
    WorkerState state = WorkerState::kStarting;
    bool by_template = false;
    pid_t pid = 0;
    int status = 0;
    std::int64_t deadline = -1;  ///< kStopping: when to do more
    StopSteps steps{};           ///< kStopping
    std::size_t next_step = 0;
    Sweeper::Ticket sweep = 0;  ///< kSweeping
  };
  struct Detail {  ///< what an event carries besides its name
    int error = 0;
    const char* stage = "";
    StopSteps steps{};
    std::uint32_t unconfirmed = 0;
    std::string left{};  ///< one of these, for people
  };

  void apply(std::uint64_t id, WorkerEvent event, const Detail& detail);
  void apply_to_each(const std::function<bool(const Worker&)>& concerned, WorkerEvent event, const Detail& detail);
  void act(std::uint64_t id, Worker& worker, WorkerAction action, const Detail& detail);
  static void send_next(Worker& worker);
  void reap(Worker& worker);
  void report(MessageKind kind, std::uint64_t id, const Worker& worker, const Detail& detail);

  Sweeper& sweeper_;
  Report report_;
  std::map<std::uint64_t, Worker> workers_;
  std::map<pid_t, std::uint64_t> id_of_pid_;
};

}  // namespace prong::launcher
