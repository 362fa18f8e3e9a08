#include "ipc/blocks.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

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
    // A forked copy of this process has the segment, too, and may look at it.
    if (!retired_ && os::fork_count() == forks_) BlockStore::of_this_process().give_back(std::move(block_));
  }

  ByteSpan bytes() const override {
    // If it throws, the next caller tries again.
    std::call_once(mapped_, [this] { mapping_ = map_for_reading(block_.segment, size_); });
    return {mapping_.data(), size_};
  }
  std::size_t size() const noexcept override { return size_; }
  int segment_fd() const noexcept override { return block_.segment.get(); }
  void retire() const noexcept { retired_ = true; }

 private:
  Block block_;
  std::size_t size_;
  std::uint64_t forks_ = os::fork_count();
  mutable std::atomic<bool> retired_ = false;
  mutable std::once_flag mapped_;
  mutable os::Mapping mapping_;
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
  os::Mapping mapping_;
  GiveBack give_back_;
  pid_t owner_ = os::process_id();
  std::uint64_t forks_ = os::fork_count();
};

class JoinedStorage final : public PayloadStorage {
 public:
  explicit JoinedStorage(std::span<const ByteSpan> parts) {
    text_.reserve(total_size(parts));
    for (const ByteSpan part : parts) text_.append(as_text(part));
  }
  ByteSpan bytes() const override { return as_bytes(text_); }
  std::size_t size() const noexcept override { return text_.size(); }

 private:
  std::string text_;
};

[[noreturn]] void refuse(const char* what) {
  throw Error(std::string("a control message makes no sense: ") + what);
}

void expect_fds(const std::vector<os::Fd>& fds, std::size_t count) {
  if (fds.size() != count) refuse("wrong number of descriptors");
}

}  // namespace

Payload payload_in_block(Block block, std::size_t size) {
  if (block.capacity < size) throw Error("a block is smaller than its payload");
  block.written = std::max(block.written, size);
  return Payload(std::make_shared<BlockStorage>(std::move(block), size));
}

void retire_block(const Payload& payload) noexcept {
  if (const auto* storage = dynamic_cast<const BlockStorage*>(payload.storage().get())) storage->retire();
}

os::SendResult send_control(int socket, const ControlMessage& message, std::span<const int> fds) {
  return os::send_message(socket, std::as_bytes(std::span(&message, 1)), fds);
}

Payload ControlReceiver::request_block(std::uint32_t id, std::uint64_t size) {
  while (!request_blocks_.contains(id)) receive_one();
  while (request_blocks_.begin()->first != id) {
    const auto unwanted = request_blocks_.extract(request_blocks_.begin());
    return_block_(unwanted.mapped().lease, unwanted.key(), BlockState::kReturned);
  }
  const RequestBlock block = std::move(request_blocks_.extract(id).mapped());
  auto give_back = [this, id, lease = block.lease](BlockState state) { return_block_(lease, id, state); };
  return Payload(std::make_shared<LentStorage>(block.segment, size, std::move(give_back)));
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
  ControlMessage message;
  std::vector<os::Fd> fds;
  os::wait_readable(socket_.get(), -1);
  const auto received = os::receive_message(socket_.get(), std::as_writable_bytes(std::span(&message, 1)), fds);
  // The coordinator is gone, and with it everybody who could want a result.
  if (received.kind == os::ReceiveResult::Kind::kClosed) std::_Exit(EXIT_FAILURE);
  if (received.kind == os::ReceiveResult::Kind::kNothing) return;
  if (received.size != sizeof message) refuse("wrong size");
  accept(message, fds);
}

void ControlReceiver::accept(const ControlMessage& message, std::vector<os::Fd>& fds) {
  switch (message.kind) {
    case ControlMessage::Kind::kRequestBlock:
      expect_fds(fds, 1);
      request_blocks_.insert_or_assign(message.id, RequestBlock{std::move(fds[0]), message.lease});
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

Payload Payload::gather(std::span<const ByteSpan> parts) {
  const std::size_t size = total_size(parts);
  if (size < ipc::kInlineLimit) return Payload(std::make_shared<ipc::JoinedStorage>(parts));
  ipc::Block block = ipc::BlockStore::of_this_process().take(size);
  block.written >= size ? os::overwrite_parts(block.segment, parts) : os::write_parts(block.segment, parts);
  return ipc::payload_in_block(std::move(block), size);
}

}  // namespace prong
