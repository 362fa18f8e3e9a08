// The coordinator's side. It reads of shared memory only what the worker writes, and believes none of it unchecked.
#include "ipc/channel.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "ipc/channel_fault_points.h"
#include "ipc/channel_layout.h"
#include "ipc/claim_word.h"
#include "ipc/crc32c.h"
#include "ipc/request_table.h"
#include "ipc/result_reader.h"
#include "ipc/wait_strategy.h"
#include "os/cpus.h"
#include "os/futex.h"

namespace prong::ipc {
namespace {

/// Not spinning with one CPU: it would only keep the partner from running.
std::uint32_t spin_limit_ns() {
  static const bool alone = os::usable_cpus().count < 2;
  return alone ? 0 : static_cast<std::uint32_t>(kLongestSpinNs);
}

bool is_result_kind(std::uint16_t kind) noexcept {
  return kind >= static_cast<std::uint16_t>(ResultKind::kReturned) &&
         kind <= static_cast<std::uint16_t>(ResultKind::kItems);
}

bool ends_request(ResultKind kind) noexcept {
  return kind != ResultKind::kNeedBlock && kind != ResultKind::kItems;
}

RequestRecord to_record(const Request& request, std::uint64_t sequence, std::uint32_t offset) noexcept {
  RequestRecord record{};
  record.sequence = sequence;
  record.job = request.job;
  record.block_size = request.block_size;
  record.attempt = request.attempt;
  record.block = request.block;
  record.offset = offset;
  record.size = static_cast<std::uint32_t>(request.bytes.size());
  record.kind = static_cast<std::uint16_t>(request.kind);
  seal(record);
  return record;
}

void read_record(const ResultRecord& record, Result& result) noexcept {
  result.sequence = record.sequence;
  result.kind = static_cast<ResultKind>(record.kind);
  result.code = record.code;
  // Times that run backwards could overflow a subtraction later.
  result.started_ns = std::max<std::int64_t>(record.started_ns, 0);
  result.ended_ns = std::max(record.ended_ns, result.started_ns);
  result.block = record.block;
  result.block_size = record.block_size;
  result.output_end = record.output_end;
  result.error_output_end = record.error_output_end;
  result.cpu_ns = std::max<std::int64_t>(record.cpu_ns, -1);
  result.peak_memory = std::max<std::int64_t>(record.peak_memory, -1);
  result.outputs_spent = (record.flags & ResultRecord::kOutputsSpent) != 0;
}

}  // namespace

struct Channel::Private {
  RequestTable requests;
  ResultReader reader;
  bool damaged = false;  ///< for ever: nothing in the channel is believed any more
  bool armed = false;
  int published_cpu = 0;
};

Channel::Channel()
    : fd_(os::create_memfd("prong-channel", sizeof(ChannelLayout))),
      mapping_(fd_.get(), sizeof(ChannelLayout), os::Mapping::Mode::kShared),
      layout_(reinterpret_cast<ChannelLayout*>(mapping_.data())),
      private_(std::make_shared<Private>()) {
  write_header(*layout_);
  layout_->coordinator_presence.longest_spin_ns.store(spin_limit_ns(), std::memory_order_relaxed);
  publish_cpu(os::current_cpu());
}

bool Channel::has_room(std::size_t bytes) noexcept {
  RequestTable& requests = private_->requests;
  const Slot& slot = layout_->slot_of(requests.next());
  // acquire: partner of the worker's store of free; it has read the slot's last request.
  return requests.has_slot() && slot_is_free(slot.word.load(std::memory_order_acquire)) && requests.find_room(bytes);
}

std::optional<std::uint64_t> Channel::try_push(const Request& request) {
  PRONG_CHECK(request.bytes.size() <= kInlineLimit);
  if (!has_room(request.bytes.size())) return std::nullopt;
  RequestTable& requests = private_->requests;
  const std::uint64_t sequence = requests.next();
  Slot& slot = layout_->slot_of(sequence);
  const auto offset = requests.find_room(request.bytes.size());
  if (!request.bytes.empty()) {
    std::memcpy(layout_->request_arena.data() + *offset, request.bytes.data(), request.bytes.size());
  }
  slot.request = to_record(request, sequence, *offset);
  if (request.kind == RequestKind::kBatch) {
    Claims& claims = layout_->claims_of(sequence);
    claims.word.store(pack_claim(request.first_item, request.end_item), std::memory_order_relaxed);
    claims.started_ns.store(0, std::memory_order_relaxed);
    claims.wants_starts.store(request.wants_starts ? 1 : 0, std::memory_order_relaxed);
  }
  PRONG_CHANNEL_FAULT_POINT("push.before_ready");
  // seq_cst: partner of the worker's "sleeps"; without the order both could miss the other (wake_worker).
  slot.word.store(pack_word(sequence, WordState::kReady), std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("push.after_ready");
  requests.add(*offset, request.bytes.size());
  publish_cpu(os::current_cpu());
  return sequence;
}

/// The slot's last request is one that the table knows as ended or revoked.
bool Channel::slot_is_free(std::uint64_t word) noexcept {
  const std::uint64_t sequence = private_->requests.next();
  if (sequence <= kSlotCount) {
    private_->damaged |= word != 0;
  } else {
    const std::uint64_t state = word - pack_word(sequence - kSlotCount, WordState::kFree);
    // Not free yet: the worker is between publishing and freeing, or has not come to the revoked request.
    private_->damaged |= state > static_cast<std::uint64_t>(WordState::kRevoked) ||
                         state == static_cast<std::uint64_t>(WordState::kReady);
    if (state != 0) return false;
  }
  return !private_->damaged;
}

bool Channel::try_revoke(std::uint64_t sequence) noexcept {
  if (private_->requests.state_of(sequence) != RequestTable::State::kOpen) return false;
  PRONG_CHANNEL_FAULT_POINT("revoke.before_revoked");
  std::uint64_t expected = pack_word(sequence, WordState::kReady);
  // Partner of the same exchange in the worker: exactly one of the two succeeds.
  if (!layout_->slot_of(sequence).word.compare_exchange_strong(expected, pack_word(sequence, WordState::kRevoked))) {
    return false;
  }
  PRONG_CHANNEL_FAULT_POINT("revoke.after_revoked");
  private_->requests.set_revoked(sequence);
  return true;
}

std::optional<std::uint32_t> Channel::unclaimed_item(std::uint64_t sequence, std::uint32_t end) const noexcept {
  // acquire: partner of the worker's claim; the start of the item was stored before it.
  const std::uint64_t word = layout_->claims_of(sequence).word.load(std::memory_order_acquire);
  return end_in(word) == end ? std::optional(next_in(word)) : std::nullopt;
}

std::optional<std::uint32_t> Channel::take_items_away(std::uint64_t sequence, std::uint32_t from,
                                                      std::uint32_t end) noexcept {
  SharedU64& shared = layout_->claims_of(sequence).word;
  std::uint64_t word = shared.load(std::memory_order_acquire);
  for (;;) {
    const std::uint32_t first = std::max(next_in(word), from);
    if (end_in(word) != end || first >= end) return std::nullopt;
    if (shared.compare_exchange_weak(word, pack_claim(next_in(word), first))) return first;
  }
}

std::int64_t Channel::item_started_at(std::uint64_t sequence, std::int64_t now) const noexcept {
  return std::clamp<std::int64_t>(layout_->claims_of(sequence).started_ns.load(std::memory_order_relaxed), 0, now);
}

Channel::ItemResults Channel::unpublished_items(std::uint64_t sequence) const {
  const ItemAreaHead& head = layout_->item_area_head;
  const std::uint64_t done = head.done.load(std::memory_order_acquire);
  const auto bytes = static_cast<std::uint32_t>(done);
  if (head.sequence.load(std::memory_order_relaxed) != sequence || bytes > layout_->item_area.size()) return {};
  ItemResults results{.first = head.first.load(std::memory_order_relaxed),
                      .count = static_cast<std::uint32_t>(done >> 32),
                      .bytes = {}};
  results.bytes.assign(reinterpret_cast<const char*>(layout_->item_area.data()), bytes);
  const std::uint32_t crc = crc32c(std::as_bytes(std::span(results.bytes)));
  if (crc == head.crc.load(std::memory_order_relaxed)) return results;
  return crc == head.crc_before.load(std::memory_order_relaxed) ? results : ItemResults{};
}

SlotState Channel::state_of(std::uint64_t sequence) const noexcept {
  using State = RequestTable::State;
  const State known = private_->requests.state_of(sequence);
  if (known == State::kUnknown) {
    return sequence != 0 && sequence < private_->requests.next() ? SlotState::kFree : SlotState::kDamaged;
  }
  // acquire: the worker publishes before it frees, so a word that says "free" makes the result visible below.
  const std::uint64_t word = layout_->slot_of(sequence).word.load(std::memory_order_acquire);
  if (sequence_in(word) != sequence) return SlotState::kDamaged;
  switch (state_in(word)) {
    case WordState::kReady:
      return known == State::kOpen ? SlotState::kReady : SlotState::kDamaged;
    case WordState::kStarted:
      return known == State::kRevoked ? SlotState::kDamaged : SlotState::kStarted;
    case WordState::kRevoked:
      return known == State::kRevoked ? SlotState::kRevoked : SlotState::kDamaged;
    case WordState::kFree:
      return known != State::kOpen || results_waiting() ? SlotState::kFree : SlotState::kDamaged;
  }
  return SlotState::kDamaged;
}

std::int64_t Channel::started_at(std::uint64_t sequence, std::int64_t now) const noexcept {
  if (private_->requests.state_of(sequence) == RequestTable::State::kUnknown) return 0;
  const Slot& slot = layout_->slot_of(sequence);
  const std::uint64_t word = slot.word.load(std::memory_order_acquire);
  if (word != pack_word(sequence, WordState::kStarted) && word != pack_word(sequence, WordState::kFree)) return 0;
  return std::clamp<std::int64_t>(slot.started_ns.load(std::memory_order_relaxed), 0, now);
}

Channel::Pop Channel::try_pop(Result& result) {
  if (private_->damaged) return Pop::kDamaged;
  switch (private_->reader.look(*layout_)) {
    case ResultReader::Read::kEmpty:
      return Pop::kEmpty;
    case ResultReader::Read::kRecord:
      return accept(result);
    case ResultReader::Read::kDamaged:
      break;
  }
  private_->damaged = true;
  return Pop::kDamaged;
}

Channel::Pop Channel::accept(Result& result) {
  const ResultRecord& record = private_->reader.record();
  if (!is_result_kind(record.kind) || private_->requests.state_of(record.sequence) != RequestTable::State::kOpen) {
    private_->damaged = true;
    return Pop::kDamaged;
  }
  read_record(record, result);
  if (!private_->reader.copy_payload(*layout_, result.bytes)) {
    private_->damaged = true;
    return Pop::kDamaged;
  }
  PRONG_CHANNEL_FAULT_POINT("pop.before_taken");
  give_room_back();
  if (ends_request(result.kind)) private_->requests.set_ended(result.sequence);
  return Pop::kResult;
}

void Channel::give_room_back() noexcept {
  const std::uint64_t taken = private_->reader.advance();
  // seq_cst: partner of the worker's "waits_for_space"; without the order both could miss the other.
  layout_->coordinator.results_taken.store(taken, std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("pop.after_taken");
  Sleepers& sleepers = layout_->sleepers;
  if (sleepers.waits_for_space.load(std::memory_order_seq_cst) == 0) return;
  // An empty ring has room for any record, whatever a damaged word says.
  const bool enough = taken >= layout_->worker.space_wanted.load(std::memory_order_relaxed);
  if (!enough && private_->reader.waiting(*layout_)) return;
  sleepers.waits_for_space.store(0, std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("wake_space.before_futex");
  os::futex_wake(sleepers.waits_for_space, std::numeric_limits<int>::max());
}

bool Channel::results_waiting() const noexcept {
  return damaged() || private_->reader.waiting(*layout_);
}

bool Channel::damaged() const noexcept {
  return private_->damaged;
}

BlockState Channel::state_of_block(std::uint16_t lease, std::uint32_t id) const noexcept {
  const std::uint32_t returned = layout_->block_returns.ids.at(lease - 1U).load(std::memory_order_acquire);
  if (returned == id) return BlockState::kReturned;
  return returned == (id | kCopiedBlock) ? BlockState::kCopied : BlockState::kLent;
}

std::uint64_t Channel::results_published() const noexcept {
  return layout_->worker.results_published.load(std::memory_order_acquire);
}

void Channel::wake_worker() noexcept {
  SharedU32& sleeps = layout_->sleepers.sleeps;
  if (sleeps.load(std::memory_order_seq_cst) == 0) return;
  sleeps.store(0, std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("wake.before_futex");
  os::futex_wake(sleeps, std::numeric_limits<int>::max());
}

void Channel::arm(std::uint32_t remaining) noexcept {
  publish_cpu(kAsleep);
  private_->armed = true;
  const std::uint32_t armed = remaining == std::numeric_limits<std::uint32_t>::max() ? remaining : remaining + 1;
  // seq_cst: partner of the worker's results_published; the coordinator looks at that after this.
  layout_->doorbell.armed.store(armed, std::memory_order_seq_cst);
  PRONG_CHANNEL_FAULT_POINT("arm.after_armed");
}

void Channel::disarm() noexcept {
  if (private_->armed) layout_->doorbell.armed.store(0, std::memory_order_relaxed);
  private_->armed = false;
  publish_cpu(os::current_cpu());
}

bool Channel::armed() const noexcept {
  return layout_->doorbell.armed.load(std::memory_order_relaxed) != 0;
}

int Channel::worker_cpu() const noexcept {
  return layout_->worker_presence.cpu.load(std::memory_order_relaxed);
}

void Channel::publish_cpu(int cpu) noexcept {
  if (cpu == private_->published_cpu) return;
  private_->published_cpu = cpu;
  layout_->coordinator_presence.cpu.store(cpu, std::memory_order_relaxed);
}

}  // namespace prong::ipc
