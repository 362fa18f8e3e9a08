#include "ipc/blocks.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
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

/// Maps when somebody looks at the bytes. A mapping of 256 KiB costs as much as copying it, so what is only passed on
/// is never mapped.
class BlockStorage final : public PayloadStorage {
 public:
  BlockStorage(Block block, std::size_t size) : block_(std::move(block)), size_(size) {}
  BlockStorage(const BlockStorage&) = delete;
  BlockStorage& operator=(const BlockStorage&) = delete;
  ~BlockStorage() override {
    mapping_ = {};
    BlockStore& store = BlockStore::of_this_process();
    if (!block_.origin.empty()) store.forget_copy(block_.origin);
    // A forked copy of this process has the segment, too, and may look at it.
    if (!retired_ && os::fork_count() == forks_) store.give_back(std::move(block_));
  }

  ByteSpan bytes() const override {
    // If it throws, the next caller tries again.
    std::call_once(mapped_, [this] { mapping_ = map_for_reading(block_.segment, size_); });
    return {mapping_.data(), size_};
  }
  std::size_t size() const noexcept override { return size_; }
  int segment_fd() const noexcept override { return block_.segment.get(); }
  void retire() const noexcept override { retired_ = true; }

 private:
  Block block_;
  std::size_t size_;
  std::uint64_t forks_ = os::fork_count();
  mutable std::atomic<bool> retired_ = false;
  mutable std::once_flag mapped_;
  mutable os::Mapping mapping_;
};

/// What a worker has of the coordinator's, until all blocks of one message are used no more.
class Lease {
 public:
  using GiveBack = std::function<void(BlockState)>;

  explicit Lease(GiveBack give_back) : give_back_(std::move(give_back)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    if (os::process_id() != owner_) return;  // what a job has forked speaks for nobody
    give_back_(os::fork_count() == forks_ ? BlockState::kReturned : BlockState::kCopied);
  }

 private:
  GiveBack give_back_;
  pid_t owner_ = os::process_id();
  std::uint64_t forks_ = os::fork_count();
};

/// A block of the coordinator's, in a worker.
class LentStorage final : public PayloadStorage {
 public:
  LentStorage(const os::Fd& segment, std::size_t size, std::shared_ptr<const Lease> lease)
      : lease_(std::move(lease)), mapping_(map_for_reading(segment, size)) {}

  ByteSpan bytes() const override { return {mapping_.data(), mapping_.size()}; }
  std::size_t size() const noexcept override { return mapping_.size(); }

 private:
  std::shared_ptr<const Lease> lease_;  // ends after the mapping
  os::Mapping mapping_;
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
  block.written >= size ? os::overwrite_parts(block.segment, parts) : os::write_parts(block.segment, parts);
  return payload_in_block(std::move(block), size);
}

Payload payload_in_block(Block block, std::size_t size) {
  if (block.capacity < size) throw Error("a block is smaller than its payload");
  block.written = std::max(block.written, size);
  return Payload(std::make_shared<BlockStorage>(std::move(block), size));
}

os::SendResult send_request_blocks(int socket, std::uint32_t id, std::uint16_t lease, std::span<const Payload> blocks) {
  PRONG_CHECK(blocks.size() <= kMostBlocks);
  MessageWithSizes message{.head = {.kind = ControlMessage::Kind::kRequestBlock, .id = id, .lease = lease}};
  std::array<int, kMostBlocks> fds{};
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    message.sizes[i] = blocks[i].size();
    fds[i] = blocks[i].segment_fd();
  }
  const auto bytes = std::as_bytes(std::span(&message, 1));
  const std::size_t size = sizeof message.head + blocks.size() * sizeof message.sizes[0];
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
    return_block_(unwanted.mapped().lease, unwanted.key(), BlockState::kReturned);
  }
  const RequestBlocks blocks = std::move(request_blocks_.extract(request.block).mapped());
  const auto lease = std::make_shared<const Lease>(
      [this, id = request.block, number = blocks.lease](BlockState state) { return_block_(number, id, state); });
  std::vector<Payload> payloads;
  for (std::size_t i = 0; i < blocks.segments.size(); ++i)
    payloads.emplace_back(std::make_shared<LentStorage>(blocks.segments[i], blocks.sizes[i], lease));
  Payload main;
  if (request.block_size == 0) {
    main = Payload::copy_of(request.bytes);
  } else {
    if (payloads.empty()) refuse("a block without a descriptor");
    main = std::move(payloads.front());
    payloads.erase(payloads.begin());
  }
  return Payload::with_attachments(std::move(main), std::move(payloads));
}

void ControlReceiver::Grant::write(std::span<const ByteSpan> parts) const {
  written ? os::overwrite_parts(segment, parts) : os::write_parts(segment, parts);
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
  MessageWithSizes message;
  std::vector<os::Fd> fds;
  os::wait_readable(socket_.get(), -1);
  const auto received = os::receive_message(socket_.get(), std::as_writable_bytes(std::span(&message, 1)), fds);
  // The coordinator is gone, and with it everybody who could want a result.
  if (received.kind == os::ReceiveResult::Kind::kClosed) std::_Exit(EXIT_FAILURE);
  if (received.kind == os::ReceiveResult::Kind::kNothing) return;
  const std::size_t sizes = message.head.kind == ControlMessage::Kind::kRequestBlock ? fds.size() : 0;
  if (received.size != sizeof message.head + sizes * sizeof message.sizes[0]) refuse("wrong size");
  accept(message, fds);
}

void ControlReceiver::accept(const MessageWithSizes& received, std::vector<os::Fd>& fds) {
  const ControlMessage& message = received.head;
  switch (message.kind) {
    case ControlMessage::Kind::kRequestBlock:
      request_blocks_.insert_or_assign(message.id, RequestBlocks{std::move(fds), received.sizes, message.lease});
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

/// Compared, not hashed: it is as fast, and nothing has to be kept or can be mistaken.
Payload Payload::of_memory(ByteSpan bytes) {
  ipc::BlockStore& store = ipc::BlockStore::of_this_process();
  const auto is_copy = [bytes](const Payload& payload) {
    return std::memcmp(payload.bytes().data(), bytes.data(), bytes.size()) == 0;
  };
  if (const Payload known(store.find_copy(bytes)); !known.empty() && is_copy(known)) return known;
  if (std::optional<ipc::Block> free = store.take_copy_of(bytes)) {
    const Payload kept = ipc::payload_in_block(std::move(*free), bytes.size());
    if (is_copy(kept)) {
      store.remember_copy(bytes, kept.storage());
      return kept;
    }
  }
  ipc::Block block = store.take_within_limit(bytes.size());
  block.origin = bytes;
  const Payload copy = ipc::write_block(std::move(block), std::span(&bytes, 1));
  store.remember_copy(bytes, copy.storage());
  return copy;
}

Payload Payload::gather(std::span<const ByteSpan> parts) {
  const std::size_t size = total_size(parts);
  if (size < ipc::kInlineLimit) return copy_of(parts);
  return ipc::write_block(ipc::BlockStore::of_this_process().take_within_limit(size), parts);
}

}  // namespace prong
