#include "ipc/blocks.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ipc/frames.h"
#include "os/memory.h"
#include "os/socket.h"
#include "os/this_process.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

// Throws Error, SystemError.
os::Mapping map_for_reading(const os::Fd& segment, std::size_t size) {
  // A mapping beyond the end of the file would raise SIGBUS where the bytes are used.
  if (os::file_size(segment.get()) < size) throw Error("a segment is smaller than its payload");
  return {segment.get(), size, os::Mapping::Mode::kCopyOnWrite, /*inherit_on_fork=*/true};
}

/// The same where this process may not map much more: what is kept goes first.
os::Mapping map_before_kept(const os::Fd& segment, std::size_t size) {
  try {
    return map_for_reading(segment, size);
  } catch (const SystemError&) {
    if (!BlockStore::keeps_any()) throw;
    BlockStore::of_this_process().release_all();
    return map_for_reading(segment, size);
  }
}

/// Of which `written` bytes are memory already. Empty if this process may not map as much. Forked children do not have
/// it: they could write to requests, and would keep their memory.
os::Mapping try_map_for_writing(const os::Fd& segment, std::size_t size, std::size_t written) noexcept {
  try {
    os::Mapping mapping(segment.get(), size, os::Mapping::Mode::kShared);
    mapping.populate(written);
    return mapping;
  } catch (const std::exception&) {
    return {};
  }
}

/// Maps when somebody looks at the bytes. A mapping of 256 KiB costs as much as copying it, so what is only passed on
/// is never mapped.
class BlockStorage final : public PayloadStorage {
 public:
  BlockStorage(Block block, std::size_t size) : block_(std::move(block)), size_(size) {}
  BlockStorage(const BlockStorage&) = delete;
  BlockStorage& operator=(const BlockStorage&) = delete;
  ~BlockStorage() override {
    BlockStore& store = BlockStore::of_this_process();
    if (!block_.origin.empty()) store.forget_copy(block_.origin);
    // A forked copy of this process has the segment, too, and may look at it.
    if (retired_ || os::fork_count() != forks_) return;
    // Who had the bytes may have written to them. The next ones are not to be seen through that.
    if (!block_.reading.set_aside()) block_.reading = {};
    store.give_back(std::move(block_));
  }

  ByteSpan bytes() const override {
    // If it throws, the next caller tries again.
    std::call_once(mapped_, [this] {
      if (block_.reading.size() < size_ || !block_.reading.take_up())
        block_.reading = map_before_kept(block_.segment, block_.capacity);
    });
    return {block_.reading.data(), size_};
  }
  std::size_t size() const noexcept override { return size_; }
  int segment_fd() const noexcept override { return block_.segment.get(); }
  void retire() const noexcept override { retired_ = true; }

 private:
  mutable Block block_;
  std::size_t size_;
  std::uint64_t forks_ = os::fork_count();
  mutable std::atomic<bool> retired_ = false;
  mutable std::once_flag mapped_;
};

/// A block of the coordinator's, in a worker.
class LentStorage final : public PayloadStorage {
 public:
  using GiveBack = std::function<void(BlockState)>;

  LentStorage(const os::Fd& segment, std::size_t size, GiveBack give_back)
      : mapping_(map_for_reading(segment, size)), give_back_(std::move(give_back)) {}
  LentStorage(const LentStorage&) = delete;
  LentStorage& operator=(const LentStorage&) = delete;
  ~LentStorage() override {
    mapping_ = {};
    if (os::process_id() != owner_) return;  // what a job has forked speaks for nobody
    give_back_(os::fork_count() == forks_ ? BlockState::kReturned : BlockState::kCopied);
  }

  ByteSpan bytes() const override { return {mapping_.data(), mapping_.size()}; }
  std::size_t size() const noexcept override { return mapping_.size(); }

 private:
  std::uint64_t forks_ = os::fork_count();  // before the mapping
  pid_t owner_ = os::process_id();
  os::Mapping mapping_;
  GiveBack give_back_;
};

[[noreturn]] void refuse(const char* what) {
  throw Error(std::string("a control message makes no sense: ") + what);
}

void expect_fds(const std::vector<os::Fd>& fds, std::size_t count) {
  if (fds.size() != count) refuse("wrong number of descriptors");
}

}  // namespace

Payload write_block(Block block, std::span<const ByteSpan> parts) {
  const std::size_t size = total_size(parts);
  if (block.written >= size && block.writing.size() < size)
    block.writing = try_map_for_writing(block.segment, block.capacity, size);
  if (block.written >= size && block.writing.size() >= size) {
    os::copy_parts(block.writing, parts);
  } else {
    os::write_parts(block.segment, parts);  // new memory is written faster this way
  }
  return payload_in_block(std::move(block), size);
}

Payload payload_in_block(Block block, std::size_t size) {
  if (block.capacity < size) throw Error("a block is smaller than its payload");
  block.written = std::max(block.written, size);
  return Payload(std::make_shared<BlockStorage>(std::move(block), size));
}

os::SendResult send_request_blocks(int socket, std::uint32_t id, std::span<const Payload> blocks,
                                   std::span<const std::uint16_t> leases) {
  PRONG_CHECK(blocks.size() <= kMostBlocks && leases.size() == blocks.size());
  MessageWithHeads message{.head = {.kind = ControlMessage::Kind::kRequestBlock, .id = id}};
  std::array<int, kMostBlocks> fds{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    message.heads[i] = {.size = blocks[i].size(), .lease = leases[i]};
    fds[i] = blocks[i].segment_fd();
  }
  const auto bytes = std::as_bytes(std::span(&message, 1));
  const std::size_t size = sizeof message.head + blocks.size() * sizeof message.heads[0];
  return os::send_message(socket, bytes.first(size), std::span(fds).first(blocks.size()));
}

os::SendResult send_control(int socket, const ControlMessage& message, std::span<const int> fds) {
  return os::send_message(socket, std::as_bytes(std::span(&message, 1)), fds);
}

Payload ControlReceiver::payload_of(const Request& request) {
  if (request.block == 0) return request.bytes.empty() ? Payload() : Payload::copy_of(request.bytes);
  while (!request_blocks_.contains(request.block)) receive_one();
  while (request_blocks_.begin()->first != request.block) {
    const auto unwanted = request_blocks_.extract(request_blocks_.begin());
    for (std::size_t i = 0; i < unwanted.mapped().segments.size(); ++i)
      return_block_(unwanted.mapped().heads[i].lease, unwanted.key(), BlockState::kReturned);
  }
  const RequestBlocks blocks = std::move(request_blocks_.extract(request.block).mapped());
  std::vector<Payload> payloads;
  for (std::size_t i = 0; i < blocks.segments.size(); ++i) {
    const BlockHead& head = blocks.heads[i];
    auto give_back = [this, id = request.block, lease = head.lease](BlockState state) {
      return_block_(lease, id, state);
    };
    payloads.emplace_back(std::make_shared<LentStorage>(blocks.segments[i], head.size, std::move(give_back)));
  }
  Payload main;
  if (request.block_size == 0) {
    main = Payload::copy_of(request.bytes);
  } else {
    main = std::move(payloads.front());
    payloads.erase(payloads.begin());
  }
  return Payload::with_attachments(std::move(main), std::move(payloads));
}

void ControlReceiver::Grant::write(std::span<const ByteSpan> parts) const {
  const std::size_t size = total_size(parts);
  const os::Mapping mapping = written ? try_map_for_writing(segment, size, size) : os::Mapping();
  mapping.size() == 0 ? os::write_parts(segment, parts) : os::copy_parts(mapping, parts);
}

ControlReceiver::Grant ControlReceiver::result_block() {
  while (!grant_) receive_one();
  return *std::exchange(grant_, std::nullopt);
}

std::array<os::Fd, 2> ControlReceiver::outputs() {
  while (!outputs_) receive_one();
  return *std::exchange(outputs_, std::nullopt);
}

os::Fd ControlReceiver::stacks() {
  while (!stacks_) receive_one();
  return *std::exchange(stacks_, std::nullopt);
}

void ControlReceiver::receive_one() {
  MessageWithHeads message;
  std::vector<os::Fd> fds;
  os::wait_readable(socket_.get(), -1);
  const auto received = os::receive_message(socket_.get(), std::as_writable_bytes(std::span(&message, 1)), fds);
  // The coordinator is gone, and with it everybody who could want a result.
  if (received.kind == os::ReceiveResult::Kind::kClosed) std::_Exit(EXIT_FAILURE);
  if (received.kind == os::ReceiveResult::Kind::kNothing) return;
  const std::size_t heads = message.head.kind == ControlMessage::Kind::kRequestBlock ? fds.size() : 0;
  if (received.size != sizeof message.head + heads * sizeof message.heads[0]) refuse("wrong size");
  accept(message, fds);
}

void ControlReceiver::accept(const MessageWithHeads& received, std::vector<os::Fd>& fds) {
  const ControlMessage& message = received.head;
  switch (message.kind) {
    case ControlMessage::Kind::kRequestBlock:
      if (fds.empty() || fds.size() > kMostBlocks) refuse("wrong number of descriptors");
      request_blocks_.insert_or_assign(message.id, RequestBlocks{std::move(fds), received.heads});
      return;
    case ControlMessage::Kind::kResultBlock:
      expect_fds(fds, 1);
      grant_ = Grant{.id = message.id, .segment = std::move(fds[0]), .written = message.written != 0};
      return;
    case ControlMessage::Kind::kRefused:
      grant_ = Grant{.id = message.id, .segment = {}, .error = message.error};
      return;
    case ControlMessage::Kind::kOutputs:
      expect_fds(fds, 2);
      outputs_ = {std::move(fds[0]), std::move(fds[1])};
      return;
    case ControlMessage::Kind::kStacks:
      expect_fds(fds, 1);
      stacks_ = std::move(fds[0]);
      return;
  }
  refuse("unknown kind");
}

}  // namespace prong::ipc

namespace prong {

/// Compared, not hashed: nothing has to be kept, and nothing can be mistaken.
Payload Payload::known_copy(ByteSpan memory) {
  ipc::BlockStore& store = ipc::BlockStore::of_this_process();
  const auto is_copy = [memory](const Payload& payload) {
    return std::memcmp(payload.bytes().data(), memory.data(), memory.size()) == 0;
  };
  if (Payload known(store.find_copy(memory)); !known.empty() && is_copy(known)) return known;
  std::optional<ipc::Block> free = store.take_copy_of(memory);
  if (!free) return {};
  Payload kept = ipc::payload_in_block(std::move(*free), memory.size());
  if (!is_copy(kept)) return {};
  store.remember_copy(memory, kept.storage());
  return kept;
}

namespace {

/// Joins `parts` in a segment, or in a file if `room` says so. `origin`: the memory that it is a copy of, or nothing.
/// What is full may have blocks that workers have given back a moment ago.
Payload in_segment(std::span<const ByteSpan> parts, SharedMemoryRoom* room, ByteSpan origin = {}) {
  ipc::BlockStore& store = ipc::BlockStore::of_this_process();
  const std::size_t size = total_size(parts);
  const auto written = [&] {
    ipc::Block block = store.take(size, ipc::Use::kArguments, room);
    block.origin = origin;
    return ipc::write_block(std::move(block), parts);
  };
  if (room == nullptr) return written();
  try {
    return written();
  } catch (const SystemError&) {
    store.look();
  }
  try {
    return written();
  } catch (const SystemError& refusal) {
    if (room->folder().empty()) throw;
    throw SystemError("put " + std::to_string(size) +
                          " bytes, which are beyond the limit of shared memory, into a file in '" + room->folder() +
                          "' (free some of its disk, name another folder, or raise the limit)",
                      refusal.error());
  }
}

}  // namespace

Payload Payload::copy_of_memory(ByteSpan memory, SharedMemoryRoom* room) {
  Payload copy = in_segment(std::span(&memory, 1), room, memory);
  ipc::BlockStore::of_this_process().remember_copy(memory, copy.storage());
  return copy;
}

Payload Payload::gather(std::span<const ByteSpan> parts, SharedMemoryRoom* room) {
  return total_size(parts) < ipc::kInlineLimit ? copy_of(parts) : in_segment(parts, room);
}

}  // namespace prong
