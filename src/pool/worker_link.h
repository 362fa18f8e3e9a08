// WorkerLink: one worker as the coordinator sees it: its channel, what was given to it, and what it said.
//
// Which requests are in the channel is known from `outstanding` (private memory) and the slot states, never guessed.
// Knows nothing of queues, retries or processes. Coordinator process; guarded by the pool's lock, except
// results_published(), which any thread may call.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/blocks.h"
#include "ipc/channel.h"
#include "pool/usage_watch.h"
#include "prong/job.h"

namespace prong::pool {

enum class LinkState {
  kStarting,   ///< the launcher was asked; no report yet
  kServing,    ///< runs jobs
  kFinishing,  ///< was told to run the finalizer and end
  kAsked,      ///< was asked for its stacks; is to be killed when they are there
  kStopping,   ///< the launcher was told to kill it
};

/// How a worker is killed.
enum class Kill {
  kAtOnce,  ///< by SIGKILL
  kGently,  ///< by the signals of the pool's options first
};

/// A request in the channel that has not been answered.
struct Outstanding {
  std::uint64_t sequence = 0;
  ipc::RequestKind kind = ipc::RequestKind::kRun;
  JobPtr job;  ///< kRun
  MonotonicNs pushed = 0;
  MonotonicNs started = 0;              ///< as first seen; of a batch with a limit of time: of the item that runs
  std::unique_ptr<UsageWatch> usage{};  ///< of a job with limits of what it may use
  std::uint32_t item = 0;               ///< of a batch: first one that was not claimed, as last seen
  MonotonicNs item_seen = 0;            ///< when that was seen first
  std::uint32_t blocks = 0;             ///< id of its blocks; 0: none

  bool is_batch() const noexcept { return job && job->items() != nullptr; }
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
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;
  ~WorkerLink();

  std::uint64_t id() const noexcept { return id_; }
  int doorbell() const noexcept { return doorbell_.get(); }
  /// What the worker needs: {segment, doorbell, control socket}. Valid until handed_over().
  std::array<int, 3> worker_fds() const noexcept { return {channel_.fd(), doorbell_.get(), worker_control_.get()}; }
  void handed_over() noexcept;

  LinkState state = LinkState::kStarting;
  int pid = 0;
  MonotonicNs ordered_at = 0;
  std::uint64_t jobs_given = 0;  ///< pushed and not taken back
  std::uint64_t jobs_done = 0;
  bool exclusive = false;        ///< its one job ends with it
  bool stalled = false;          ///< its running job takes longer than expected: nothing is queued behind it
  bool damaged = false;          ///< its channel makes no sense any more, or it waits for what cannot be had
  bool has_no_room = false;      ///< for the job that a dispatch wanted to give to it: passed by until that ends
  bool to_be_woken = false;      ///< when the dispatch that goes on has given it all that it gets
  std::uint64_t front_seen = 0;  ///< sequence of the oldest request, when it was last looked at
  MonotonicNs front_since = 0;   ///< and since when that has been the oldest
  MonotonicNs stop_by = 0;       ///< kFinishing, kAsked: when to lose patience
  /// kStopping because of the request `stop_sequence`: the outcome that was decided for it.
  std::optional<Outcome> verdict;
  std::uint64_t stop_sequence = 0;
  Kill stop_how = Kill::kAtOnce;           ///< kAsked: afterwards
  MonotonicNs served_since = 0;            ///< when it was first ready
  MonotonicNs idle_since = 0;              ///< 0: while it has something to do
  MonotonicNs refused_since = 0;           ///< since when it, idle, has had no room for a job; 0: it has
  std::uint64_t first_resident_bytes = 0;  ///< when it was first ready
  std::optional<HeldEnding> held;

  bool never_answered() const noexcept { return !answered_; }
  void answered(MonotonicNs now) noexcept {
    answered_ = true;
    answered_at_ = now;
  }
  /// Whether it has done something lately, or was idle: not in the middle of what takes long.
  bool comes_along(MonotonicNs now) const noexcept;

  const std::deque<Outstanding>& outstanding() const noexcept { return outstanding_; }
  bool idle() const noexcept { return outstanding_.empty(); }
  /// For a request without a payload.
  bool has_room() noexcept { return channel_.has_room(0); }

  bool knows(DefinitionId id) const noexcept { return id < known_.size() && known_[id]; }
  /// Each pushes one request; false if there is no room now, or if the worker is found `damaged`. wake() once after a
  /// batch.
  bool push_definition(const Definition& definition, MonotonicNs now);
  /// Requires that the worker is idle and serving if the job has limits of what it may use.
  bool push_job(const JobPtr& job, const Payload& payload, int attempt, MonotonicNs now);
  bool push_control(ipc::RequestKind kind, const Payload& payload, MonotonicNs now);
  /// No later job needs it.
  void forget(DefinitionId id);
  /// Tells the worker, if there is room, of definitions that were forgotten, and to close blocks of requests that it
  /// will never run.
  void push_what_is_not_needed(MonotonicNs now);
  void wake() noexcept { channel_.wake_worker(); }
  /// Where the worker was last seen running; -1 while it sleeps.
  int cpu() const noexcept { return channel_.worker_cpu(); }
  bool asleep() const noexcept { return cpu() < 0; }

  /// Takes back all jobs that have not started; newest first.
  std::vector<JobPtr> take_back_unstarted();
  /// Takes this job back; false if it has started (or is not here).
  bool take_back(const Job& job);
  /// The batch that runs; null if none does.
  JobPtr batch() const noexcept;
  /// Whether one was pushed, or runs, and has items that will wait for others.
  bool items_wait() const noexcept;
  /// How many of its items were not begun, and how long they will take, judging by those that were.
  std::uint32_t items_left() const noexcept;
  double work_left_ns(MonotonicNs now) const noexcept;
  /// For how long it has been seen at the same item, or before the first one.
  MonotonicNs at_item_for(MonotonicNs now);
  /// Whether it has taken a batch and not begun the first item: it imports what that needs, perhaps.
  bool prepares_batch() const noexcept;
  /// Takes away those of them from number `from` on. The first that was taken away; nothing if none was.
  std::optional<std::uint32_t> take_items_away(std::uint32_t from);
  /// After take_back_unstarted(): true if the request `sequence` has ended, since a later job has begun.
  bool has_jobs_after(std::uint64_t sequence) const noexcept;
  /// False if the slot of the request that is to be answered next was overwritten: no answer can be hoped for.
  bool makes_sense() const noexcept;
  /// After death: takes what is left, in order, with whether it may have begun.
  struct Remains {
    Outstanding request;
    bool began;
    bool unknown;               ///< whether it began is not known: its slot was overwritten
    std::uint32_t claimed = 0;  ///< of a batch: the first item that was not begun
  };
  std::vector<Remains> bury();

  enum class Pop { kEnding, kEmpty, kDamaged };
  /// The next answer of the worker.
  Pop pop(Ending& ending, MonotonicNs now);
  /// The request that runs now, with its start time if it has one; null if idle.
  const Outstanding* running(MonotonicNs now);
  /// Whether the worker is seen to work on a request.
  bool has_begun(MonotonicNs now) {
    const Outstanding* request = running(now);
    return request != nullptr && request->started != 0;
  }
  /// Output of a command that did not get to report it.
  void collect_partial_output(Attempt& attempt);
  /// Bytes that the running command has written so far.
  std::uint64_t output_bytes() const;
  /// Whether it can be asked for its stacks: a worker that runs functions.
  bool has_stacks() const noexcept { return static_cast<bool>(stacks_); }
  bool stacks_complete() const;
  /// What it has written, or why there is nothing.
  std::string stacks() const;

  /// Takes blocks back that the worker does not use any more.
  void take_blocks_back() noexcept;
  /// The worker's tree has ended: nobody sees its blocks any more.
  void take_all_blocks_back() noexcept;

  bool results_waiting() const noexcept { return channel_.results_waiting(); }
  /// Grows with each answer. Any thread, without the pool's lock.
  std::uint64_t results_published() const noexcept { return channel_.results_published(); }
  void arm() noexcept;
  void disarm() noexcept { channel_.disarm(); }
  bool armed() const noexcept { return channel_.armed(); }

 private:
  /// The block of a request that the worker has; it may keep it longer than the request.
  struct LentBlock {
    std::uint32_t id = 0;  ///< of the blocks of the request
    Payload payload{};     ///< empty: the number is free
  };

  std::optional<std::uint64_t> push(const ipc::Request& request, const Payload& payload);
  std::optional<std::uint64_t> push_with_blocks(ipc::Request request, const Payload& payload);
  bool push_and_note(const ipc::Request& request, const Payload& payload, MonotonicNs now);
  void drop(std::size_t index);
  const Outstanding* first_batch() const noexcept;
  const Outstanding* running_batch() const noexcept;
  bool take_items(const Outstanding& request, std::uint32_t count, Payload results);
  bool take_published_items(const Outstanding& request);
  std::uint32_t bury_batch(const Outstanding& request);
  void look_at_items(Outstanding& batch, MonotonicNs now) const;
  void tell(const ipc::ControlMessage& message, std::span<const int> fds);
  bool answer_need(const Outstanding& request, std::uint64_t size);
  int grant_block(std::uint64_t size);
  void take_block_back(LentBlock& lent) noexcept;
  std::uint16_t lend(std::uint32_t id, const Payload& payload) noexcept;
  void take_blocks_of(std::uint32_t id) noexcept;
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
  std::vector<DefinitionId> forgotten_;  ///< of what it knows
  std::uint32_t next_block_ = 1;
  std::uint32_t last_sent_ = 0;  ///< blocks of the last request that has some
  std::uint32_t unwanted_ = 0;  ///< the same, if it will never run: with the next ones, the worker closes them; 0: none
  struct GrantedBlock {
    std::uint32_t id = 0;
    std::uint64_t size = 0;
    ipc::Block block;
  };
  std::optional<GrantedBlock> granted_;
  std::array<LentBlock, ipc::kLeases> lent_;
  std::size_t lent_count_ = 0;
  bool for_commands_;
  os::Fd output_;  ///< what the running command writes
  os::Fd error_output_;
  bool answered_ = false;
  MonotonicNs answered_at_ = 0;               ///< when its last answer was seen
  os::Fd stacks_;                             ///< functions only
  std::optional<MemoryUse> memory_baseline_;  ///< when its first job with a limit of memory came
  std::optional<TimedOut> refused_output_;    ///< what the running job comes to, since its value is too large
  ipc::Result result_;
};

}  // namespace prong::pool
