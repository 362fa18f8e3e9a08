// Channel: the shared memory between the coordinator and one worker. See docs/channel-format.md.
//
//   coordinator                                   worker
//   try_push ──> request slots + request arena ──> take          (slot word: sequence and state, by compare-and-swap)
//   try_pop  <── result ring                   <── publish       (a result is published before its slot is freed)
//   wake_worker ─── futex in the segment ───────> sleeps in take
//   arm / disarm ── doorbell (eventfd) <───────── rings when armed and few requests remain
//
// One thread at a time on either side (the coordinator's side is guarded by the pool's lock). A worker can damage only
// its own channel: everything read from it is copied, then checked, then used. The segment is created and sealed by the
// coordinator; it is not inherited by what jobs fork.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "ipc/frames.h"
#include "os/fd.h"
#include "os/memory.h"

namespace prong::ipc {

struct ChannelLayout;  // channel_layout.h
struct Slot;

/// What the coordinator can know of a request that it has pushed and not seen answered.
enum class SlotState {
  kReady,    ///< not started: may still be revoked
  kRevoked,  ///< taken back: will never start
  kStarted,  ///< began; its end is known only by a result
  kFree,     ///< ended (a result was published before) or a revoked request that was passed over
  kDamaged,  ///< the word makes no sense for this sequence: the request may have begun
};

/// The coordinator's side.
class Channel {
 public:
  static constexpr std::uint32_t kSlots = 256;

  /// Creates and maps a segment. Throws SystemError.
  Channel();

  /// The segment, to be passed to the worker; close it with drop_fd() once it has been passed.
  int fd() const noexcept { return fd_.get(); }
  void drop_fd() noexcept { fd_.reset(); }

  /// Copies a request in and publishes it. Its sequence, or nothing if there is no slot or no room now.
  /// Requires request.bytes.size() <= kInlineLimit. Does not wake the worker.
  std::optional<std::uint64_t> try_push(const Request& request);

  /// Whether try_push() would take a request with so many bytes now.
  bool has_room(std::size_t bytes) noexcept;

  /// Takes a request back. True: it never ran and never will. False: it has started (or ended).
  bool try_revoke(std::uint64_t sequence) noexcept;

  SlotState state_of(std::uint64_t sequence) const noexcept;
  /// When the request started (monotonic ns, as the worker wrote it, not later than `now`), or 0.
  std::int64_t started_at(std::uint64_t sequence, std::int64_t now) const noexcept;

  /// Of a batch that was pushed with this `end`: the first item that the worker has not claimed, or `end`.
  /// Nothing: the word makes no sense.
  std::optional<std::uint32_t> unclaimed_item(std::uint64_t sequence, std::uint32_t end) const noexcept;
  /// Takes away the unclaimed items from `from` on. The first that was taken away; nothing if none was.
  std::optional<std::uint32_t> take_items_away(std::uint64_t sequence, std::uint32_t from, std::uint32_t end) noexcept;
  /// When the item claimed last began, not later than `now`, or 0. Asked after unclaimed_item() it is of that item or
  /// of a later one.
  std::int64_t item_started_at(std::uint64_t sequence, std::int64_t now) const noexcept;
  /// After the worker's death: results of a batch that it has not published, as a copy.
  struct ItemResults {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::string bytes;
  };
  ItemResults unpublished_items(std::uint64_t sequence) const;

  enum class Pop { kResult, kEmpty, kDamaged };
  /// Copies the next result out. kDamaged: the ring makes no sense; the channel must not be used any more.
  Pop try_pop(Result& result);
  /// Also true if the channel is damaged, so that try_pop() gets to say so.
  bool results_waiting() const noexcept;
  /// Something was found in it that makes no sense, also by a push: it must not be used any more.
  bool damaged() const noexcept;
  /// Grows with each result that the worker publishes. Any thread, without the pool's lock.
  std::uint64_t results_published() const noexcept;

  /// What became of the block `id` of a request that was lent under this number.
  BlockState state_of_block(std::uint16_t lease, std::uint32_t id) const noexcept;

  /// Wakes the worker if it sleeps. Call once after a batch of pushes.
  void wake_worker() noexcept;

  /// The coordinator is about to sleep: ring the doorbell after a result once at most `remaining` requests are left
  /// unstarted. Then check results_waiting() again before sleeping.
  void arm(std::uint32_t remaining) noexcept;
  /// The coordinator is awake.
  void disarm() noexcept;
  /// Whether the worker will ring: arm() was called, and neither disarm() nor a ring came since.
  bool armed() const noexcept;
  /// Where the worker was last seen running, or -1 while it sleeps: spinning for a result pays only while this is
  /// another CPU than the coordinator's. A hint, not checked.
  int worker_cpu() const noexcept;

 private:
  friend class WorkerChannel;
  bool slot_is_free(std::uint64_t word) noexcept;
  Pop accept(Result& result);
  void give_room_back() noexcept;
  void publish_cpu(int cpu) noexcept;

  os::Fd fd_;
  os::Mapping mapping_;
  ChannelLayout* layout_ = nullptr;
  struct Private;  // the coordinator's own positions and the sizes of what is in the arena
  std::shared_ptr<Private> private_;
};

/// The worker's side.
class WorkerChannel {
 public:
  /// Maps the segment and checks its header. `doorbell`: eventfd that wakes the coordinator. Throws SystemError, Error.
  WorkerChannel(os::Fd segment, os::Fd doorbell);

  /// For tests: a worker that is a thread of the coordinator's process, over the very same mapping.
  static WorkerChannel over_for_test(Channel& channel, os::Fd doorbell);

  int doorbell() const noexcept { return doorbell_.get(); }

  /// Waits for the next request and marks it started (a revoked one is passed over). `request.bytes` points into the
  /// channel and is valid until publish(). Throws Error if the request makes no sense: something in this process has
  /// written over it.
  void take(Request& request);
  /// When the request that was taken began.
  std::int64_t started_ns() const noexcept;

  /// Publishes the end of the request last taken, then frees its slot. `parts` are joined; at most kInlineLimit in all.
  /// The sequence is set by the channel, and so are `started_ns` and `ended_ns` where they are 0. Waits while the ring
  /// is full.
  void publish(const Result& result, std::span<const ByteSpan> parts);
  /// Publishes a record that does not end the request (kNeedBlock, kItems), and wakes the coordinator if it sleeps.
  void publish_notice(const Result& result, std::span<const ByteSpan> parts = {});

  /// The block of a request is not used any more. Any thread.
  void return_block(std::uint16_t lease, std::uint32_t id, BlockState state) noexcept;

  // A batch. What keep_item() took is not lost if this process dies right after it.

  /// The next item of the batch that runs; nothing if no more are this worker's.
  std::optional<std::uint32_t> claim_item() noexcept;
  /// Keeps the result of the item claimed last. False if there is no room: publish_items() makes it.
  /// Requires a size of at most kInlineLimit.
  bool keep_item(std::span<const ByteSpan> parts) noexcept;
  /// Publishes what was kept. `result`: a notice (kItems), or the end of the batch (kReturned). Throws Error if
  /// something in this process has written over it.
  void publish_items(Result result);
  /// The result of the item claimed last was published by a notice of its own.
  void pass_over_item() noexcept;

 private:
  WorkerChannel(ChannelLayout* layout, os::Fd doorbell);
  void begin();
  std::uint64_t wait_for_word(const Slot& slot);
  void sleep_for_word(const Slot& slot);
  bool start(Slot& slot) noexcept;
  void pass_over(Slot& slot) noexcept;
  void begin_items() noexcept;
  void empty_item_area() noexcept;
  void read_request(const Slot& slot, Request& request) const;
  void write(const Result& result, std::span<const ByteSpan> parts);
  void make_room(std::size_t size) noexcept;
  void wait_for_space() noexcept;
  std::uint64_t results_taken() const noexcept;
  void ring_if_due(bool urgent) noexcept;
  void ring() noexcept;
  void leave_if_cut_off() const noexcept;
  bool unstarted_exceed(std::uint32_t limit) const noexcept;
  void publish_cpu(int cpu) noexcept;

  os::Fd doorbell_;
  os::Mapping mapping_;
  ChannelLayout* layout_ = nullptr;
  struct Private;
  std::shared_ptr<Private> private_;
};

}  // namespace prong::ipc
