#include "pool/worker_link.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "base/codec.h"
#include "jobs/ledger.h"
#include "os/available_memory.h"
#include "os/memory.h"
#include "os/poller.h"
#include "os/socket.h"
#include "os/stacks.h"
#include "os/usage.h"
#include "pool/output_file.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

constexpr std::uint64_t kMostStackBytes = 1 << 20;
constexpr MonotonicNs kComesAlongNs = 300'000;

using ipc::ControlMessage;
using ipc::RequestKind;
using ipc::ResultKind;

/// A large payload that came as heap bytes gets a segment of its own, within the limit or not: nothing waits here.
Payload in_segment(const Payload& payload) {
  const ByteSpan parts[] = {payload.bytes()};
  return ipc::write_block(ipc::BlockStore::of_this_process().take(payload.size(), ipc::Use::kArguments), parts);
}

Payload inline_output(std::string_view text) {
  return text.empty() ? Payload() : Payload::copy_of(text);
}

}  // namespace

WorkerLink::WorkerLink(std::uint64_t id, bool for_commands)
    : id_(id), doorbell_(os::create_eventfd()), for_commands_(for_commands) {
  auto [ours, theirs] = os::socket_pair();
  control_ = std::move(ours);
  worker_control_ = std::move(theirs);
  if (for_commands_) {
    renew_outputs();
  } else {
    stacks_ = os::create_memfd("prong-stacks", 0);
    const int fds[] = {stacks_.get()};
    tell({.kind = ControlMessage::Kind::kStacks}, fds);
  }
}

/// If its worker was not seen to end it may use its blocks still.
WorkerLink::~WorkerLink() {
  for (const LentBlock& lent : lent_) lent.payload.retire();
}

/// Sends what a worker waits for without end if it does not come. One that is gone waits for nothing: its end is told
/// as what it was. Throws SystemError if the socket is full.
void WorkerLink::tell(const ControlMessage& message, std::span<const int> fds) {
  if (ipc::send_control(control_.get(), message, fds) == os::SendResult::kFull)
    throw SystemError("send a worker its descriptors", ENOBUFS);
}

void WorkerLink::handed_over() noexcept {
  channel_.drop_fd();
  worker_control_.reset();
}

std::optional<std::uint64_t> WorkerLink::push(const ipc::Request& request, const Payload& payload) {
  const auto sequence = push_with_blocks(request, payload);
  // Of a worker that has nothing to do, nobody takes results: what is wrong with its channel shows here alone.
  damaged |= channel_.damaged();
  return sequence;
}

std::optional<std::uint64_t> WorkerLink::push_with_blocks(ipc::Request request, const Payload& payload) {
  const bool is_inline = payload.size() <= ipc::kInlineLimit;
  if (is_inline) request.bytes = payload.bytes();
  if (is_inline && payload.attachments().empty()) return channel_.try_push(request);
  // Blocks that were sent for nothing would fill the socket.
  if (!channel_.has_room(request.bytes.size())) return std::nullopt;
  if (outstanding_.size() >= 2) return std::nullopt;  // large payloads do not queue up in the control socket
  std::vector<Payload> blocks;
  if (!is_inline) blocks.push_back(payload.segment_fd() >= 0 ? payload : in_segment(payload));
  blocks.insert(blocks.end(), payload.attachments().begin(), payload.attachments().end());
  request.block = next_block_++;
  request.block_size = is_inline ? 0 : payload.size();
  std::vector<std::uint16_t> leases;
  take_blocks_back();
  for (const Payload& block : blocks) leases.push_back(lend(request.block, block));
  std::optional<std::uint64_t> sequence;
  try {
    const os::SendResult sent = ipc::send_request_blocks(control_.get(), request.block, blocks, leases);
    if (sent == os::SendResult::kSent) {
      sequence = channel_.try_push(request);
      last_sent_ = request.block;
      unwanted_ = sequence ? 0 : request.block;
    }
    // Full of blocks of requests that were taken back, which it reads with the next one only.
    if (sent == os::SendResult::kFull && outstanding_.empty() && state == LinkState::kServing) damaged = true;
  } catch (...) {
    take_blocks_of(request.block);
    throw;
  }
  if (!sequence) take_blocks_of(request.block);
  return sequence;
}

/// Under what number; 0 if there are too many, and then the block is never used again.
std::uint16_t WorkerLink::lend(std::uint32_t id, const Payload& payload) noexcept {
  const auto free =
      std::find_if(lent_.begin(), lent_.end(), [](const LentBlock& lent) { return lent.payload.empty(); });
  if (free == lent_.end()) {
    payload.retire();
    return 0;
  }
  *free = {id, payload};
  ++lent_count_;
  return static_cast<std::uint16_t>(free - lent_.begin() + 1);
}

void WorkerLink::take_block_back(LentBlock& lent) noexcept {
  lent = {};
  --lent_count_;
}

/// Those of a request that never runs. The worker has them, but does not look at them; that it gives them back some
/// time comes before it can have the next ones under their numbers.
void WorkerLink::take_blocks_of(std::uint32_t id) noexcept {
  for (LentBlock& lent : lent_)
    if (id != 0 && lent.id == id) take_block_back(lent);
}

void WorkerLink::take_blocks_back() noexcept {
  for (std::size_t i = 0; i < lent_.size() && lent_count_ != 0; ++i) {
    LentBlock& lent = lent_[i];
    if (lent.payload.empty()) continue;
    const ipc::BlockState found = channel_.state_of_block(static_cast<std::uint16_t>(i + 1), lent.id);
    if (found == ipc::BlockState::kLent) continue;
    if (found == ipc::BlockState::kCopied) lent.payload.retire();
    take_block_back(lent);
  }
}

void WorkerLink::take_all_blocks_back() noexcept {
  lent_.fill({});
  lent_count_ = 0;
}

bool WorkerLink::push_and_note(const ipc::Request& request, const Payload& payload, MonotonicNs now) {
  const auto sequence = push(request, payload);
  if (!sequence) return false;
  outstanding_.push_back({.sequence = *sequence, .kind = request.kind, .job = nullptr, .pushed = now});
  return true;
}

bool WorkerLink::push_definition(const Definition& definition, MonotonicNs now) {
  const DefinitionId id = definition.id();
  if (!push_and_note({.kind = RequestKind::kDefine, .job = id}, definition.payload(), now)) return false;
  if (known_.size() <= id) known_.resize(id + 1);
  known_[id] = true;
  return true;
}

void WorkerLink::forget(DefinitionId id) {
  if (knows(id)) forgotten_.push_back(id);
}

void WorkerLink::push_what_is_not_needed(MonotonicNs now) {
  if (forgotten_.empty() && unwanted_ == 0) return;
  if (unwanted_ != 0 && push_and_note({.kind = RequestKind::kRelease, .block = unwanted_}, {}, now)) unwanted_ = 0;
  while (!forgotten_.empty() && push_and_note({.kind = RequestKind::kForget, .job = forgotten_.back()}, {}, now))
    forgotten_.pop_back();
  wake();
}

bool WorkerLink::push_job(const JobPtr& job, const Payload& payload, int attempt, MonotonicNs now) {
  ipc::Request request{.job = job->id(), .attempt = static_cast<std::uint32_t>(attempt)};
  if (const Items* items = job->items()) {
    request.kind = RequestKind::kBatch;
    request.job -= items->first;
    request.first_item = items->first;
    request.end_item = end_of(*items);
    request.wants_starts = job->options().timeout.count() != 0;
  }
  const std::uint32_t blocks = next_block_;
  const auto sequence = push(request, payload);
  if (!sequence) return false;
  outstanding_.push_back({.sequence = *sequence, .kind = RequestKind::kRun, .job = job, .pushed = now});
  if (next_block_ != blocks) outstanding_.back().blocks = blocks;
  idle_since = 0;
  if (UsageWatch::wanted(job->options())) {
    // Takes a while with a large worker: once for each, not for each job.
    if (job->options().memory > 0 && !memory_baseline_)
      memory_baseline_ = {os::resident_bytes_of_tree(pid), os::proportional_bytes_of_tree(pid)};
    outstanding_.back().usage =
        std::make_unique<UsageWatch>(job->options(), pid, memory_baseline_.value_or(MemoryUse{}), now);
  }
  ++jobs_given;
  return true;
}

bool WorkerLink::push_control(RequestKind kind, const Payload& payload, MonotonicNs now) {
  return push_and_note({.kind = kind}, payload, now);
}

// Definitions stay: later jobs may need them, and they are known to be known.
std::vector<JobPtr> WorkerLink::take_back_unstarted() {
  std::vector<JobPtr> taken;
  for (std::size_t i = outstanding_.size(); i-- > 0;) {
    if (outstanding_[i].kind != RequestKind::kRun) continue;
    if (!channel_.try_revoke(outstanding_[i].sequence)) break;  // begun, and so was all before it
    taken.push_back(std::move(outstanding_[i].job));
    drop(i);
  }
  return taken;
}

bool WorkerLink::take_back(const Job& job) {
  const auto found = std::find_if(outstanding_.begin(), outstanding_.end(),
                                  [&](const Outstanding& request) { return request.job.get() == &job; });
  if (found == outstanding_.end() || !channel_.try_revoke(found->sequence)) return false;
  drop(static_cast<std::size_t>(found - outstanding_.begin()));
  return true;
}

void WorkerLink::drop(std::size_t index) {
  const std::uint32_t blocks = outstanding_[index].blocks;
  take_blocks_of(blocks);
  if (blocks != 0 && blocks == last_sent_ && !for_commands_) unwanted_ = blocks;
  outstanding_.erase(outstanding_.begin() + static_cast<std::ptrdiff_t>(index));
  --jobs_given;
  exclusive = exclusive && std::any_of(outstanding_.begin(), outstanding_.end(),
                                       [](const Outstanding& request) { return request.kind == RequestKind::kRun; });
}

bool WorkerLink::has_jobs_after(std::uint64_t sequence) const noexcept {
  return std::any_of(outstanding_.begin(), outstanding_.end(), [&](const Outstanding& request) {
    return request.kind == RequestKind::kRun && request.sequence > sequence;
  });
}

bool WorkerLink::comes_along(MonotonicNs now) const noexcept {
  return idle() || now - std::max(outstanding_.front().pushed, answered_at_) < kComesAlongNs;
}

bool WorkerLink::makes_sense() const noexcept {
  return outstanding_.empty() || channel_.state_of(outstanding_.front().sequence) != ipc::SlotState::kDamaged;
}

std::vector<WorkerLink::Remains> WorkerLink::bury() {
  std::vector<Remains> remains;
  for (Outstanding& request : outstanding_) {
    const bool began = !channel_.try_revoke(request.sequence);
    const bool unknown = began && channel_.state_of(request.sequence) == ipc::SlotState::kDamaged;
    const std::uint32_t claimed = began && request.is_batch() ? bury_batch(request) : 0;
    remains.push_back({std::move(request), began, unknown, claimed});
  }
  outstanding_.clear();
  return remains;
}

/// Takes the results that were not published. Returns the first item that was not begun.
std::uint32_t WorkerLink::bury_batch(const Outstanding& request) {
  const Items& items = *request.job->items();
  const std::uint32_t end = end_of(items);
  // A worker that lost its launcher may live for a moment longer: from here on it begins no item. If the word makes no
  // sense they may all have begun.
  const std::uint32_t unclaimed = channel_.take_items_away(request.sequence, 0, end).value_or(end);
  while (channel_.try_pop(result_) == ipc::Channel::Pop::kResult && result_.sequence == request.sequence)
    take_published_items(request);
  const ipc::Channel::ItemResults kept = channel_.unpublished_items(request.sequence);
  // What stands there although it was published has a number that was had before.
  if (kept.count != 0 && kept.first == items.first + items.ended)
    take_items(request, kept.count, Payload::copy_of(kept.bytes));
  return std::max(unclaimed, items.first + items.ended);
}

/// False if there cannot be so many.
bool WorkerLink::take_items(const Outstanding& request, std::uint32_t count, Payload results) {
  if (!request.is_batch()) return false;
  const Items& items = *request.job->items();
  if (count > items.count - items.ended) return false;
  if (count != 0) jobs::Ledger::add_results(*request.job, count, std::move(results));
  return true;
}

/// If the answer has any. False if they make no sense.
bool WorkerLink::take_published_items(const Outstanding& request) {
  if (result_.kind != ResultKind::kItems && !(result_.kind == ResultKind::kReturned && request.is_batch())) return true;
  try {
    if (!take_items(request, static_cast<std::uint32_t>(result_.code), payload_of(result_))) return false;
  } catch (const std::exception&) {  // no memory or descriptor for them
    return false;
  }
  const Items& items = *request.job->items();
  return result_.kind == ResultKind::kItems || items.ended == items.count;
}

/// The job that runs, or will be next, if that is a batch.
const Outstanding* WorkerLink::first_batch() const noexcept {
  const auto found = std::find_if(outstanding_.begin(), outstanding_.end(),
                                  [](const Outstanding& request) { return request.kind == RequestKind::kRun; });
  return found != outstanding_.end() && found->is_batch() ? &*found : nullptr;
}

const Outstanding* WorkerLink::running_batch() const noexcept {
  const Outstanding* batch = first_batch();
  return batch != nullptr && channel_.state_of(batch->sequence) == ipc::SlotState::kStarted ? batch : nullptr;
}

bool WorkerLink::items_wait() const noexcept {
  const Outstanding* batch = first_batch();
  if (batch == nullptr) return false;
  // The first one is the worker's own as soon as it has the batch.
  const std::uint32_t others = batch->job->items()->count - 1;
  return std::min(batch == running_batch() ? items_left() : others, others) > 0;
}

std::uint32_t WorkerLink::items_left() const noexcept {
  const Outstanding* batch = running_batch();
  if (batch == nullptr) return 0;
  const std::uint32_t end = end_of(*batch->job->items());
  return end - channel_.unclaimed_item(batch->sequence, end).value_or(end);
}

JobPtr WorkerLink::batch() const noexcept {
  const Outstanding* batch = running_batch();
  return batch != nullptr ? batch->job : nullptr;
}

double WorkerLink::work_left_ns(MonotonicNs now) const noexcept {
  const Outstanding* batch = running_batch();
  if (batch == nullptr) return 0;
  const std::uint32_t left = items_left();
  const std::uint32_t begun = end_of(*batch->job->items()) - left - batch->job->items()->first;
  const MonotonicNs running_for = now - channel_.started_at(batch->sequence, now);
  return begun == 0 ? 0 : static_cast<double>(running_for) * left / begun;  // before the first item nothing is known
}

MonotonicNs WorkerLink::at_item_for(MonotonicNs now) {
  const Outstanding* request = running(now);
  return request != nullptr && request->item_seen != 0 ? now - request->item_seen : 0;
}

bool WorkerLink::prepares_batch() const noexcept {
  const Outstanding* batch = running_batch();
  return batch != nullptr && items_left() == batch->job->items()->count;
}

std::optional<std::uint32_t> WorkerLink::take_items_away(std::uint32_t from) {
  const Outstanding* batch = running_batch();
  if (batch == nullptr) return std::nullopt;
  return channel_.take_items_away(batch->sequence, from, end_of(*batch->job->items()));
}

WorkerLink::Pop WorkerLink::pop(Ending& ending, MonotonicNs now) {
  for (;;) {
    switch (channel_.try_pop(result_)) {
      case ipc::Channel::Pop::kEmpty:
        return Pop::kEmpty;
      case ipc::Channel::Pop::kDamaged:
        return Pop::kDamaged;
      case ipc::Channel::Pop::kResult:
        break;
    }
    if (outstanding_.empty() || outstanding_.front().sequence != result_.sequence) return Pop::kDamaged;
    if (result_.kind == ResultKind::kNeedBlock) {
      if (!answer_need(outstanding_.front(), result_.block_size)) return Pop::kDamaged;
      continue;
    }
    if (!take_published_items(outstanding_.front())) return Pop::kDamaged;
    if (result_.kind == ResultKind::kItems) continue;
    ending.request = std::move(outstanding_.front());
    outstanding_.pop_front();
    stalled = false;
    ending.attempt = Attempt{};
    ending.attempt.worker_pid = pid;
    ending.attempt.started = std::clamp(result_.started_ns, ending.request.pushed, now);
    ending.attempt.ended = std::clamp(result_.ended_ns, ending.attempt.started, now);
    ending.attempt.cpu_time = std::chrono::nanoseconds(result_.cpu_ns);
    ending.attempt.peak_memory = result_.peak_memory;
    if (!decode(result_, ending)) return Pop::kDamaged;
    if (refused_output_) ending.attempt.outcome = *std::exchange(refused_output_, std::nullopt);
    return Pop::kEnding;
  }
}

bool WorkerLink::decode(const ipc::Result& result, Ending& ending) {
  try {
    if (for_commands_ && ending.request.kind == RequestKind::kRun && !take_outputs(result, ending.attempt))
      return false;
    const bool values_are_there = ending.request.is_batch() && result.kind == ResultKind::kReturned;
    ending.attempt.outcome = values_are_there ? Outcome(Returned{}) : outcome_of(result);
  } catch (const SystemError& refusal) {  // no memory or descriptor for what the worker sent, or waits for
    ending.attempt.outcome = Lost{LostReason::kWorkerLost, refusal.what()};
    damaged = true;
  } catch (const std::bad_alloc&) {
    ending.attempt.outcome = Lost{LostReason::kWorkerLost, "there is no memory for what it sent"};
  }
  return true;
}

bool WorkerLink::take_outputs(const ipc::Result& result, Attempt& attempt) {
  if (result.outputs_spent) {
    attempt.output = read_output(output_, result.output_end);
    attempt.error_output = read_output(error_output_, result.error_output_end);
    renew_outputs();
    return true;
  }
  if (result.kind == ResultKind::kNotStarted) return true;
  const std::string_view both = result.bytes;
  if (result.output_end > both.size() || result.error_output_end != both.size() - result.output_end) return false;
  attempt.output = inline_output(both.substr(0, result.output_end));
  attempt.error_output = inline_output(both.substr(result.output_end));
  return true;
}

Payload WorkerLink::payload_of(const ipc::Result& result) {
  if (result.block == 0) return result.bytes.empty() ? Payload() : Payload::copy_of(result.bytes);
  if (!granted_ || granted_->id != result.block || result.block_size > granted_->size) return {};
  ipc::Block block = std::move(granted_->block);
  granted_.reset();
  return ipc::payload_in_block(std::move(block), result.block_size);
}

Outcome WorkerLink::outcome_of(const ipc::Result& result) {
  switch (result.kind) {
    case ResultKind::kReturned:
      return Returned{payload_of(result)};
    case ResultKind::kRaised:
      if (auto raised = base::decode_raised(payload_of(result).bytes())) return std::move(*raised);
      return Lost{LostReason::kChannelDamaged, "the worker's report of an exception could not be read"};
    case ResultKind::kExited:
      return Exited{result.code};
    case ResultKind::kSignalled:
      return Signalled{result.code & 0x7f, (result.code & 0x80) != 0};
    case ResultKind::kNotStarted:
      return Raised{.type = "prong.SystemError", .message = SystemError(result.bytes, result.code).what()};
    case ResultKind::kNeedBlock:
    case ResultKind::kItems:
      break;
  }
  return Lost{LostReason::kChannelDamaged, "the worker sent a record of unknown kind"};
}

const Outstanding* WorkerLink::running(MonotonicNs now) {
  if (outstanding_.empty()) return nullptr;
  Outstanding& front = outstanding_.front();
  if (front.started == 0) front.started = channel_.started_at(front.sequence, now);
  if (front.started != 0 && front.is_batch()) look_at_items(front, now);
  return &front;
}

void WorkerLink::look_at_items(Outstanding& batch, MonotonicNs now) const {
  const std::uint32_t end = end_of(*batch.job->items());
  const std::uint32_t next = channel_.unclaimed_item(batch.sequence, end).value_or(end);
  if (batch.item_seen == 0 || next != batch.item) batch.item_seen = now;
  batch.item = next;
  if (const MonotonicNs started = channel_.item_started_at(batch.sequence, now); started != 0) batch.started = started;
}

/// False if not even a refusal can be sent. A value that is larger than its job may have is not even written.
bool WorkerLink::answer_need(const Outstanding& request, std::uint64_t size) {
  if (request.job) refused_output_ = exceeds_output(request.job->options(), size);
  const int error = refused_output_ ? EFBIG : grant_block(size);
  if (error == 0) return true;
  const ControlMessage refusal{
      .kind = ControlMessage::Kind::kRefused, .id = next_block_++, .size = size, .error = error};
  return ipc::send_control(control_.get(), refusal, {}) != os::SendResult::kFull;
}

/// Returns 0, or why it cannot be had.
int WorkerLink::grant_block(std::uint64_t size) {
  try {
    ipc::Block block = ipc::BlockStore::of_this_process().take(size, ipc::Use::kResults);
    const bool written = block.written >= size;
    const ControlMessage grant{
        .kind = ControlMessage::Kind::kResultBlock, .id = next_block_++, .size = size, .written = written};
    const int fds[] = {block.segment.get()};
    tell(grant, fds);
    granted_ = GrantedBlock{grant.id, size, std::move(block)};
    return 0;
  } catch (const SystemError& refused) {
    return refused.error();
  }
}

void WorkerLink::renew_outputs() {
  output_ = create_output_file("prong-stdout");
  error_output_ = create_output_file("prong-stderr");
  const int fds[] = {output_.get(), error_output_.get()};
  tell({.kind = ControlMessage::Kind::kOutputs}, fds);
}

void WorkerLink::collect_partial_output(Attempt& attempt) {
  if (!for_commands_) return;
  attempt.output = read_output(output_, os::file_size(output_.get()));
  attempt.error_output = read_output(error_output_, os::file_size(error_output_.get()));
}

std::uint64_t WorkerLink::output_bytes() const {
  return for_commands_ ? os::file_size(output_.get()) + os::file_size(error_output_.get()) : 0;
}

bool WorkerLink::stacks_complete() const {
  const std::uint64_t size = os::file_size(stacks_.get());
  if (size < os::kEndOfStacks.size()) return false;
  std::string end(os::kEndOfStacks.size(), '\0');
  os::read_at(stacks_.get(), size - end.size(), std::as_writable_bytes(std::span(end)));
  return end == os::kEndOfStacks;
}

std::string WorkerLink::stacks() const {
  if (!stacks_) return "no stacks: they are taken of functions only";
  // The worker can write what it likes, as long as it likes.
  std::string text(std::min<std::uint64_t>(os::file_size(stacks_.get()), kMostStackBytes), '\0');
  os::read_at(stacks_.get(), 0, std::as_writable_bytes(std::span(text)));
  if (text.ends_with(os::kEndOfStacks)) text.resize(text.size() - os::kEndOfStacks.size());
  if (!text.empty()) return text;
  switch (os::fate_of_signal(pid, os::stack_signal())) {
    case os::SignalFate::kBlocked:
      return "no stacks: the job blocks the signal that asks for them";
    case os::SignalFate::kNotHandled:
      return "no stacks: the job has replaced the handler of the signal that asks for them";
    case os::SignalFate::kHandled:
      return "no stacks: the worker did not write them in time";
    case os::SignalFate::kUnknown:
      return "no stacks: the worker was gone";
  }
  return {};
}

void WorkerLink::arm() noexcept {
  channel_.arm(static_cast<std::uint32_t>(outstanding_.size() / 4));
}

}  // namespace prong::pool
