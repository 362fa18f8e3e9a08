// WorkerLink: one worker as the coordinator sees it: its channel, what was given to it, and what it said.
//
// Which requests are in the channel is known from `outstanding` (private memory) and the slot states, never guessed.
// Knows nothing of queues, retries or processes. Coordinator process; guarded by the pool's lock, except
// results_published(), which any thread may call.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "prong/job.h"

namespace prong::pool {

enum class LinkState {
  kStarting,   ///< the launcher was asked; no report yet
  kServing,    ///< runs jobs
  kFinishing,  ///< was told to run the finalizer and end
  kStopping,   ///< the launcher was told to kill it
};

/// A request in the channel that has not been answered.
struct Outstanding {
  std::uint64_t sequence = 0;
  ipc::RequestKind kind = ipc::RequestKind::kRun;
  JobPtr job;  ///< kRun
  MonotonicNs pushed = 0;
  MonotonicNs started = 0;  ///< as first seen
};

/// What the worker answered to a request.
struct Ending {
  Outstanding request;
  Attempt attempt;
};

/// An outcome that was decided, but is told only when the worker's process tree is gone.
struct HeldEnding {
  JobPtr job;
  Attempt attempt;
};

class WorkerLink {
 public:
  /// `for_commands`: gives the worker output files. Throws SystemError.
  WorkerLink(std::uint64_t id, bool for_commands);

  std::uint64_t id() const noexcept { return id_; }
  int doorbell() const noexcept { return doorbell_.get(); }
  /// What the worker needs: {segment, doorbell, control socket}. Valid until handed_over().
  std::array<int, 3> worker_fds() const noexcept { return {channel_.fd(), doorbell_.get(), worker_control_.get()}; }
  void handed_over() noexcept;

  LinkState state = LinkState::kStarting;
  int pid = 0;
  std::uint64_t jobs_given = 0;  ///< pushed and not taken back
  std::uint64_t jobs_done = 0;
  bool exclusive = false;   ///< its one job ends with it
  bool stalled = false;     ///< its running job takes longer than expected: nothing is queued behind it
  bool damaged = false;     ///< its channel makes no sense any more, or it waits for what cannot be had
  MonotonicNs stop_by = 0;  ///< kFinishing: when to lose patience
  /// kStopping because of the request `stop_sequence`: the outcome that was decided for it.
  std::optional<Outcome> verdict;
  std::uint64_t stop_sequence = 0;
  std::optional<HeldEnding> held;

  const std::deque<Outstanding>& outstanding() const noexcept { return outstanding_; }
  bool idle() const noexcept { return outstanding_.empty(); }

  bool knows(DefinitionId id) const noexcept { return id < known_.size() && known_[id]; }
  /// Each pushes one request; false if there is no room now. wake() once after a batch.
  bool push_definition(DefinitionId id, const Payload& definition, MonotonicNs now);
  bool push_job(const JobPtr& job, const Payload& payload, int attempt, MonotonicNs now);
  bool push_control(ipc::RequestKind kind, const Payload& payload, MonotonicNs now);
  void wake() noexcept { channel_.wake_worker(); }

  /// Takes jobs back from the end of the queue for as long as they have not started; newest first.
  std::vector<JobPtr> take_back_unstarted();
  /// Takes this job back; false if it has started (or is not here).
  bool take_back(const Job& job);
  /// After death: takes what is left, in order, with whether it may have begun.
  struct Remains {
    Outstanding request;
    bool began;
  };
  std::vector<Remains> bury();

  enum class Pop { kEnding, kEmpty, kDamaged };
  /// The next answer of the worker.
  Pop pop(Ending& ending, MonotonicNs now);
  /// The request that runs now, with its start time if it has one; null if idle.
  const Outstanding* running(MonotonicNs now);
  /// Output of a command that did not get to report it.
  void collect_partial_output(Attempt& attempt);

  bool results_waiting() const noexcept { return channel_.results_waiting(); }
  /// Grows with each answer. Any thread, without the pool's lock.
  std::uint64_t results_published() const noexcept { return channel_.results_published(); }
  void arm() noexcept;
  void disarm() noexcept { channel_.disarm(); }

 private:
  std::optional<std::uint64_t> push(ipc::RequestKind kind, std::uint64_t number, std::uint32_t attempt,
                                    const Payload& payload);
  void grant_block(std::uint64_t size);
  void renew_outputs();
  bool decode(const ipc::Result& result, Ending& ending);
  bool take_outputs(const ipc::Result& result, Attempt& attempt);
  Payload payload_of(const ipc::Result& result);
  Outcome outcome_of(const ipc::Result& result);

  std::uint64_t id_;
  ipc::Channel channel_;
  os::Fd doorbell_;
  os::Fd control_;
  os::Fd worker_control_;
  std::deque<Outstanding> outstanding_;
  std::vector<bool> known_;
  std::uint32_t next_block_ = 1;
  struct GrantedBlock {
    std::uint32_t id = 0;
    std::uint64_t size = 0;
    os::Fd segment;
  };
  std::optional<GrantedBlock> granted_;
  bool for_commands_;
  os::Fd output_;  ///< what the running command writes
  os::Fd error_output_;
  ipc::Result result_;
};

}  // namespace prong::pool
