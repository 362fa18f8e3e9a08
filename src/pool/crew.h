// Crew: the workers of a pool, from order to burial. Keeps as many as wanted, ends them, and reports what happened.
// Knows processes and channels; never decides what becomes of a job (it asks CrewEvents).
//
//                    started             finish              gone
//   (none) ─start─> starting ──> serving ──────> finishing ──────> (none)
//              │                  │ │  │ stop        │ stop           ▲
//              │ start failed     │ │  └───> stopping <── asked <──┐  │
//              └──> (none)        │ └─ ask_for_stacks ─────────────┘  │
//                                 └───────────── gone (crash) ────────┘
//
// Coordinator process; guarded by the pool's lock.
#pragma once

#include <chrono>
#include <climits>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/poller.h"
#include "pool/launcher_client.h"
#include "pool/launcher_watch.h"
#include "pool/worker_link.h"

namespace prong::pool {

/// How a worker ended, as its launcher saw it.
struct Death {
  int wait_status = 0;
  std::uint32_t unconfirmed = 0;  ///< processes of its tree that could not be seen to end
  std::string left{};             ///< one of these, for people
  bool vanished = false;          ///< it was never seen, nor its end
  bool launcher_lost = false;     ///< the launcher died, and the worker with it
  bool out_of_memory = false;     ///< killed, while the kernel killed for lack of memory
  bool expected = false;          ///< it was told to finish, or stopped by the pool's own wish
};

/// What the crew tells its owner.
class CrewEvents {
 public:
  virtual ~CrewEvents() = default;
  /// The worker answered a request.
  virtual void on_ending(WorkerLink& link, Ending& ending) = 0;
  /// The worker's tree is gone; `remains` are its unanswered requests, oldest first. The link is removed afterwards.
  virtual void on_gone(WorkerLink& link, const Death& death, std::vector<WorkerLink::Remains> remains) = 0;
  /// No worker can be had, after several tries in a row.
  virtual void on_hopeless(const std::string& why) = 0;
};

class Crew {
 public:
  static constexpr std::uint64_t kFirstWorkerToken = 16;  ///< poller tokens: worker id + this
  static constexpr std::uint64_t kLauncherToken = 1;

  Crew(const PoolOptions& options, os::Poller& poller, CrewEvents& events);

  const std::vector<std::shared_ptr<WorkerLink>>& links() const noexcept { return links_; }
  bool empty() const noexcept { return links_.empty(); }
  /// Workers that run jobs, or will: starting and serving.
  int live() const noexcept;
  /// For how many workers there is room.
  int places() const noexcept { return places_; }
  /// The same from now on. If more than that are live, nobody gets a job until enough of them are gone.
  void set_places(int places) noexcept;
  bool shrinking() const noexcept { return shrinking_; }
  /// Sends away what is idle and too much.
  void shrink(MonotonicNs now);
  std::uint64_t started() const noexcept { return started_; }
  std::uint64_t lost() const noexcept { return lost_; }
  int launcher_pid() const noexcept { return launcher_ ? launcher_->pid() : 0; }

  /// Orders one more worker; null if that is not possible now (see retry_at()).
  WorkerLink* start(MonotonicNs now);
  /// False once no worker can be had any more.
  bool can_start() const noexcept;
  /// When a failed start may be tried again; 0: at once.
  MonotonicNs retry_at() const noexcept { return retry_at_; }
  /// Lets an idle worker run the finalizer and end.
  void finish(WorkerLink& link, MonotonicNs now);
  /// Has the worker's process tree killed.
  void stop(WorkerLink& link, Kill kill);
  /// Asks the worker for its stacks; when they are there, or at link.stop_by, it is to be stopped.
  void ask_for_stacks(WorkerLink& link, Kill afterwards, MonotonicNs now);

  /// The launcher's socket is readable.
  void launcher_spoke() noexcept { launcher_heard_ = 0; }
  /// Reads the launcher's reports (if it spoke, or was not listened to for a while), then the workers' answers.
  void listen(MonotonicNs now);
  /// About to sleep: has workers ring. False if there is something to hear already.
  bool arm();
  void disarm();
  bool anything_waiting() const noexcept;
  bool armed() const noexcept { return armed_; }
  /// Kills a launcher that carries out no orders and answers no question.
  void watch_launcher(MonotonicNs now);
  /// When watch_launcher() is to be called again; 0: not needed.
  MonotonicNs next_watch(MonotonicNs now) const noexcept;
  /// Kills workers that do not begin what they were given.
  void watch_idle_workers(MonotonicNs now);
  /// Gives up workers that were ordered and do not come to work, and a template that starts none.
  void watch_starts(MonotonicNs now);
  /// When watch_starts() is to be called again; 0: not needed.
  MonotonicNs next_start_watch(MonotonicNs now);

  /// No more workers will be needed: lets the launcher end once all workers are gone.
  void dismiss() noexcept;
  /// The launcher (and with it every process of the pool) has ended after dismiss().
  bool launcher_ended() const noexcept { return launcher_ == nullptr; }

 private:
  void start_launcher();
  void start_template();
  void give_up_without_template();
  void handle(const launcher::Message& message, MonotonicNs now);
  void hear_launcher(MonotonicNs now);
  void on_started(WorkerLink& link, int pid, MonotonicNs now);
  void on_start_failed(WorkerLink& link, const launcher::Message& message, MonotonicNs now);
  void on_worker_gone(WorkerLink& link, Death death, MonotonicNs now);
  void on_template_gone(const launcher::Message& message, MonotonicNs now);
  void on_launcher_gone(MonotonicNs now);
  void note_failed_start(const std::string& why, MonotonicNs now);
  void give_up_if_hopeless(const std::string& why);
  void drain(WorkerLink& link, MonotonicNs now, int most = INT_MAX);
  void remove(WorkerLink& link);
  static bool refuses_for_ever(WorkerLink& link, MonotonicNs now);
  static MonotonicNs awaited_since(WorkerLink& link, MonotonicNs now);
  bool launcher_owes_something() const noexcept;
  bool ran_out_of_memory(int wait_status);
  WorkerLink* find(std::uint64_t id) noexcept;
  launcher::StartHow how() const noexcept;

  const PoolOptions& options_;
  os::Poller& poller_;
  CrewEvents& events_;
  int places_;
  bool shrinking_ = false;
  launcher::StopSteps stop_steps_;
  std::unique_ptr<LauncherClient> launcher_;
  std::vector<std::shared_ptr<WorkerLink>> links_;
  std::uint64_t next_id_ = 1;
  std::uint64_t started_ = 0;
  std::uint64_t lost_ = 0;
  int failed_starts_ = 0;    ///< in a row
  int launcher_deaths_ = 0;  ///< since a job was done
  MonotonicNs retry_at_ = 0;
  MonotonicNs launcher_heard_ = 0;  ///< when its socket was last read; 0: to be read now
  LauncherWatch launcher_watch_;
  bool armed_ = false;
  bool has_template_ = false;  ///< it is there, or was ordered
  std::string template_gone_because_;
  bool template_hangs_ = false;  ///< it was killed for that
  std::uint64_t oom_kills_ = 0;  ///< of the machine, as last seen
  bool dismissed_ = false;
};

}  // namespace prong::pool
