// The worker's side.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "ipc/channel.h"
#include "ipc/channel_fault_points.h"
#include "ipc/channel_layout.h"
#include "ipc/claim_word.h"
#include "ipc/crc32c.h"
#include "ipc/result_writer.h"
#include "ipc/wait_strategy.h"
#include "os/clock.h"
#include "os/futex.h"
#include "os/poller.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

os::Mapping map_segment(const os::Fd& segment) {
  if (os::file_size(segment.get()) < sizeof(ChannelLayout)) throw Error("the channel's segment is too small");
  return os::Mapping(segment.get(), sizeof(ChannelLayout), os::Mapping::Mode::kShared);
}

bool makes_sense(const RequestRecord& record, std::uint64_t sequence) noexcept {
  return intact(record) && record.sequence == sequence && record.zero == 0 && record.size <= kInlineLimit &&
         record.offset <= kRequestArenaSize - record.size &&
         record.kind >= static_cast<std::uint16_t>(RequestKind::kDefine) &&
         record.kind <= static_cast<std::uint16_t>(RequestKind::kRelease);
}

std::string damaged(const char* what, std::uint64_t sequence) {
  return std::string(what) + " of the channel was overwritten (sequence " + std::to_string(sequence) + ")";
}

/// All but what the writer knows: where it stands and how large it is.
ResultRecord to_record(const Result& result, std::uint64_t sequence, std::int64_t started_ns) noexcept {
  ResultRecord record{};
  record.sequence = sequence;
  record.started_ns = result.started_ns != 0 ? result.started_ns : started_ns;
  record.ended_ns = result.ended_ns != 0 ? result.ended_ns : os::monotonic_now();
  record.block_size = result.block_size;
  record.output_end = result.output_end;
  record.error_output_end = result.error_output_end;
  record.cpu_ns = result.cpu_ns;
  record.peak_memory = result.peak_memory;
  record.block = result.block;
  record.code = result.code;
  record.kind = static_cast<std::uint16_t>(result.kind);
  record.flags = result.outputs_spent ? ResultRecord::kOutputsSpent : std::uint16_t{0};
  return record;
}

}  // namespace

struct WorkerChannel::Private {
  explicit Private(std::int64_t longest_spin_ns) : waiting(longest_spin_ns) {}

  WaitStrategy waiting;
  ResultWriter writer;
  os::FileIdentity doorbell;
  bool cut_off = false;           ///< the doorbell is not ours any more
  std::uint64_t next = 1;         ///< sequence of the request to take next
  std::uint64_t running = 0;      ///< the one taken and not answered, 0: none
  std::int64_t started_ns = 0;    ///< of the running one
  std::uint64_t known_taken = 0;  ///< results_taken as last read
  std::uint32_t items_ended = 0;  ///< number of the next item of the batch to have a result
  std::uint32_t items_kept = 0;   ///< in the item area
  std::size_t bytes_kept = 0;
  std::uint32_t crc_kept = 0;
  int published_cpu = 0;
};

WorkerChannel::WorkerChannel(os::Fd segment, os::Fd doorbell)
    : doorbell_(std::move(doorbell)),
      mapping_(map_segment(segment)),
      layout_(reinterpret_cast<ChannelLayout*>(mapping_.data())) {
  begin();
}

WorkerChannel::WorkerChannel(ChannelLayout* layout, os::Fd doorbell) : doorbell_(std::move(doorbell)), layout_(layout) {
  begin();
}

WorkerChannel WorkerChannel::over_for_test(Channel& channel, os::Fd doorbell) {
  return WorkerChannel(channel.layout_, std::move(doorbell));
}

void WorkerChannel::begin() {
  if (!check_header(*layout_)) throw Error("the channel's segment is of another version");
  const std::uint32_t spin_ns = layout_->coordinator_presence.longest_spin_ns.load(std::memory_order_relaxed);
  private_ = std::make_shared<Private>(std::min<std::int64_t>(spin_ns, kLongestSpinNs));
  private_->doorbell = os::identity_of(doorbell_.get());
}

// ---------------------------------------------------------------------------------------------------------- requests

void WorkerChannel::take(Request& request) {
  PRONG_CHECK(private_->running == 0);
  leave_if_cut_off();
  for (;;) {
    Slot& slot = layout_->slot_of(private_->next);
    const WordState state = state_in(wait_for_word(slot));
    if (state == WordState::kReady && start(slot)) break;
    if (state == WordState::kRevoked) pass_over(slot);
    if (state == WordState::kFree || state > WordState::kRevoked) throw Error(damaged("a slot", private_->next));
  }
  private_->running = private_->next++;
  publish_cpu(os::current_cpu());
  // Results that this request has behind it must not wait for its end, which may be far.
  ring_if_due(false);
  read_request(layout_->slot_of(private_->running), request);
  if (request.kind == RequestKind::kBatch) begin_items();
}

std::int64_t WorkerChannel::started_ns() const noexcept {
  return private_->started_ns;
}

/// Waits until the slot has come to the next sequence. Returns its word.
std::uint64_t WorkerChannel::wait_for_word(const Slot& slot) {
  std::uint64_t word = 0;
  const auto ready = [&]() noexcept {
    word = slot.word.load(std::memory_order_acquire);  // partner of the coordinator's store in try_push
    return sequence_in(word) == private_->next;
  };
  const auto worthwhile = [&]() noexcept {
    const int cpu = layout_->coordinator_presence.cpu.load(std::memory_order_relaxed);
    return cpu >= 0 && cpu != os::current_cpu();
  };
  if (ready()) return word;
  ring_if_due(true);
  leave_if_cut_off();
  if (private_->waiting.spin(ready, worthwhile)) return word;
  while (!ready()) sleep_for_word(slot);
  return word;
}

void WorkerChannel::sleep_for_word(const Slot& slot) {
  const std::int64_t began = os::monotonic_now();
  SharedU32& sleeps = layout_->sleepers.sleeps;
  publish_cpu(kAsleep);
  PRONG_CHANNEL_FAULT_POINT("take.before_marked");
  // seq_cst, then the word again: the coordinator stores the word, then looks at `sleeps`. One of the two sees the
  // other.
  sleeps.store(1, std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("take.before_sleep");
  if (sequence_in(slot.word.load(std::memory_order_seq_cst)) != private_->next) os::futex_wait(sleeps, 1, -1);
  PRONG_CHANNEL_FAULT_POINT("take.after_sleep");
  sleeps.store(0, std::memory_order_relaxed);
  publish_cpu(os::current_cpu());
  private_->waiting.slept(os::monotonic_now() - began);
}

/// False if the coordinator was faster and has revoked the request.
bool WorkerChannel::start(Slot& slot) noexcept {
  private_->started_ns = os::monotonic_now();
  slot.started_ns.store(private_->started_ns, std::memory_order_relaxed);
  PRONG_CHANNEL_FAULT_POINT("take.before_started");
  std::uint64_t expected = pack_word(private_->next, WordState::kReady);
  if (!slot.word.compare_exchange_strong(expected, pack_word(private_->next, WordState::kStarted))) return false;
  PRONG_CHANNEL_FAULT_POINT("take.after_started");
  return true;
}

void WorkerChannel::pass_over(Slot& slot) noexcept {
  PRONG_CHANNEL_FAULT_POINT("take.before_passed");
  slot.word.store(pack_word(private_->next, WordState::kFree), std::memory_order_release);
  PRONG_CHANNEL_FAULT_POINT("take.after_passed");
  ++private_->next;
}

void WorkerChannel::read_request(const Slot& slot, Request& request) const {
  const RequestRecord record = slot.request;
  if (!makes_sense(record, private_->running)) throw Error(damaged("a request", private_->running));
  request.sequence = record.sequence;
  request.kind = static_cast<RequestKind>(record.kind);
  request.job = record.job;
  request.attempt = record.attempt;
  request.block = record.block;
  request.block_size = record.block_size;
  request.bytes = ByteSpan(layout_->request_arena).subspan(record.offset, record.size);
}

// ------------------------------------------------------------------------------------------------------------ batches

/// The area is empty before it is this batch's: what it holds is never taken for results of another one.
void WorkerChannel::begin_items() noexcept {
  const std::uint64_t word = layout_->claims_of(private_->running).word.load(std::memory_order_relaxed);
  private_->items_ended = next_in(word);
  empty_item_area();
  layout_->item_area_head.first.store(private_->items_ended, std::memory_order_release);
  layout_->item_area_head.sequence.store(private_->running, std::memory_order_release);
}

void WorkerChannel::return_block(std::uint16_t lease, std::uint32_t id, BlockState state) noexcept {
  if (lease == 0 || lease > kLeases) return;
  const std::uint32_t mark = state == BlockState::kCopied ? kCopiedBlock : 0;
  layout_->block_returns.ids[lease - 1U].store(id | mark, std::memory_order_release);
}

std::optional<std::uint32_t> WorkerChannel::claim_item() noexcept {
  Claims& claims = layout_->claims_of(private_->running);
  if (claims.wants_starts.load(std::memory_order_relaxed) != 0)
    claims.started_ns.store(os::monotonic_now(), std::memory_order_relaxed);
  PRONG_CHANNEL_FAULT_POINT("items.before_claimed");
  // Releases the start to whoever reads the word; partner of the exchange in take_items_away().
  const std::uint64_t word = claims.word.fetch_add(1, std::memory_order_acq_rel);
  PRONG_CHANNEL_FAULT_POINT("items.after_claimed");
  const auto item = static_cast<std::uint32_t>(word);
  return item < end_in(word) ? std::optional(item) : std::nullopt;
}

bool WorkerChannel::keep_item(std::span<const ByteSpan> parts) noexcept {
  const std::size_t size = total_size(parts);
  PRONG_CHECK(size <= kInlineLimit);
  if (size > layout_->item_area.size() - private_->bytes_kept) return false;
  ItemAreaHead& head = layout_->item_area_head;
  if (private_->items_kept == 0) head.first.store(private_->items_ended, std::memory_order_relaxed);
  head.crc_before.store(private_->crc_kept, std::memory_order_relaxed);
  for (const ByteSpan part : parts) {
    if (part.empty()) continue;
    std::memcpy(layout_->item_area.data() + private_->bytes_kept, part.data(), part.size());
    private_->bytes_kept += part.size();
    private_->crc_kept = crc32c(part, private_->crc_kept);
  }
  head.crc.store(private_->crc_kept, std::memory_order_relaxed);
  PRONG_CHANNEL_FAULT_POINT("items.before_done");
  ++private_->items_ended;
  ++private_->items_kept;
  // release: who sees the count sees the rest.
  head.done.store(std::uint64_t{private_->items_kept} << 32 | private_->bytes_kept, std::memory_order_release);
  PRONG_CHANNEL_FAULT_POINT("items.after_done");
  return true;
}

void WorkerChannel::empty_item_area() noexcept {
  layout_->item_area_head.done.store(0, std::memory_order_release);
  private_->items_kept = 0;
  private_->bytes_kept = 0;
  private_->crc_kept = 0;
}

// Between publishing and emptying the results are in both places: the coordinator goes by the number of the first.
void WorkerChannel::publish_items(Result result) {
  result.code = static_cast<std::int32_t>(private_->items_kept);
  const ByteSpan parts[] = {ByteSpan(layout_->item_area).first(private_->bytes_kept)};
  if (crc32c(parts[0]) != private_->crc_kept) throw Error("results of a batch were overwritten in the channel");
  if (result.kind == ResultKind::kItems) {
    publish_notice(result, parts);
    PRONG_CHANNEL_FAULT_POINT("items.before_emptied");
    empty_item_area();
  } else {
    publish(result, parts);
  }
}

void WorkerChannel::pass_over_item() noexcept {
  ++private_->items_ended;
}

// ----------------------------------------------------------------------------------------------------------- results

void WorkerChannel::publish(const Result& result, std::span<const ByteSpan> parts) {
  write(result, parts);
  PRONG_CHANNEL_FAULT_POINT("publish.after_published");
  const std::uint64_t sequence = std::exchange(private_->running, 0);
  // release, after the result was published: a free slot says that the result is there.
  layout_->slot_of(sequence).word.store(pack_word(sequence, WordState::kFree), std::memory_order_release);
  PRONG_CHANNEL_FAULT_POINT("publish.after_free");
  ring_if_due(false);
}

void WorkerChannel::publish_notice(const Result& result, std::span<const ByteSpan> parts) {
  write(result, parts);
  PRONG_CHANNEL_FAULT_POINT("notice.after_published");
  ring_if_due(true);
}

void WorkerChannel::write(const Result& result, std::span<const ByteSpan> parts) {
  PRONG_CHECK(private_->running != 0);
  const std::size_t size = total_size(parts);
  PRONG_CHECK(size <= kInlineLimit);
  make_room(size);
  ResultRecord record = to_record(result, private_->running, private_->started_ns);
  const std::uint64_t published = private_->writer.write(*layout_, record, parts);
  PRONG_CHANNEL_FAULT_POINT("publish.before_published");
  // release for the record before it; seq_cst for "armed" after it (partner: Channel::arm).
  layout_->worker.results_published.store(published, std::memory_order_seq_cst);
}

void WorkerChannel::make_room(std::size_t size) noexcept {
  ResultWriter& writer = private_->writer;
  // Read rarely: each reading takes a cache line away from the coordinator.
  if (writer.wants_rewind()) private_->known_taken = results_taken();
  writer.plan(size, private_->known_taken);
  if (writer.has_room(private_->known_taken)) return;
  while (!writer.has_room(results_taken())) wait_for_space();
  private_->known_taken = results_taken();
}

void WorkerChannel::wait_for_space() noexcept {
  SharedU32& waits = layout_->sleepers.waits_for_space;
  layout_->worker.space_wanted.store(private_->writer.space_wanted(), std::memory_order_relaxed);
  PRONG_CHANNEL_FAULT_POINT("space.before_marked");
  // seq_cst, then results_taken again: the coordinator stores that, then looks at `waits`.
  waits.store(1, std::memory_order_seq_cst);
  ring();
  PRONG_CHANNEL_FAULT_POINT("space.before_sleep");
  if (!private_->writer.has_room(results_taken())) os::futex_wait(waits, 1, -1);
  waits.store(0, std::memory_order_relaxed);
}

std::uint64_t WorkerChannel::results_taken() const noexcept {
  return layout_->coordinator.results_taken.load(std::memory_order_seq_cst);
}

// ---------------------------------------------------------------------------------------------------------- doorbell

/// Rings if the coordinator sleeps, a result waits for it, and either it is `urgent` or few enough requests are left.
void WorkerChannel::ring_if_due(bool urgent) noexcept {
  SharedU32& armed = layout_->doorbell.armed;
  const std::uint32_t limit = armed.load(std::memory_order_seq_cst);
  if (limit == 0 || results_taken() == private_->writer.published()) return;
  if (!urgent && unstarted_exceed(limit - 1)) return;
  // By exchange: one ring for one arming.
  if (armed.exchange(0) == 0) return;
  PRONG_CHANNEL_FAULT_POINT("ring.before_doorbell");
  ring();
  PRONG_CHANNEL_FAULT_POINT("ring.after_doorbell");
}

/// A job may have closed the doorbell, or put something else in its place. Then nobody hears of results any more, but
/// the end of this process is heard, and what it has published counts: it ends before it takes another request.
void WorkerChannel::ring() noexcept {
  if (os::identity_of(doorbell_.get()) == private_->doorbell) {
    os::ring(doorbell_.get());
  } else {
    private_->cut_off = true;
  }
}

void WorkerChannel::leave_if_cut_off() const noexcept {
  if (private_->cut_off) os::exit_now(EXIT_FAILURE);
}

/// Revoked ones that were not passed over count, too: to go through them all would take longer than a short job.
bool WorkerChannel::unstarted_exceed(std::uint32_t limit) const noexcept {
  if (limit >= kSlotCount) return false;
  const std::uint64_t sequence = private_->next + limit;
  return sequence_in(layout_->slot_of(sequence).word.load(std::memory_order_relaxed)) == sequence;
}

void WorkerChannel::publish_cpu(int cpu) noexcept {
  if (cpu == private_->published_cpu) return;
  private_->published_cpu = cpu;
  layout_->worker_presence.cpu.store(cpu, std::memory_order_relaxed);
}

}  // namespace prong::ipc
