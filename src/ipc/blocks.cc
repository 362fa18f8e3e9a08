#include "ipc/blocks.h"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "ipc/frames.h"
#include "os/available_memory.h"
#include "os/memory.h"
#include "os/socket.h"
#include "prong/error.h"

namespace prong::ipc {
namespace {

/// Bytes in a segment, mapped when somebody looks at them. A mapping of 256 KiB costs as much as copying it, so what is
/// only passed on is never mapped.
class SegmentStorage final : public PayloadStorage {
 public:
  SegmentStorage(os::Fd segment, std::size_t size) : segment_(std::move(segment)), size_(size) {}

  ByteSpan bytes() const override {
    // If it throws, the next caller tries again.
    std::call_once(mapped_, [this] {
      mapping_ = os::Mapping(segment_.get(), size_, os::Mapping::Mode::kCopyOnWrite, /*inherit_on_fork=*/true);
    });
    return {mapping_.data(), size_};
  }
  std::size_t size() const noexcept override { return size_; }
  int segment_fd() const noexcept override { return segment_.get(); }

 private:
  os::Fd segment_;
  std::size_t size_;
  mutable std::once_flag mapped_;
  mutable os::Mapping mapping_;
};

std::size_t total_size(std::span<const ByteSpan> parts) noexcept {
  std::size_t total = 0;
  for (const ByteSpan part : parts) total += part.size();
  return total;
}

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

os::Fd create_block(std::size_t size) {
  os::check_available_memory(size);
  return os::create_memfd("prong-block", size);
}

Payload payload_from_segment(os::Fd segment, std::size_t size) {
  // A mapping beyond the end of the file would raise SIGBUS where the bytes are used.
  if (os::file_size(segment.get()) < size) throw Error("a segment is smaller than its payload");
  os::seal_against_writing(segment.get());
  return Payload(std::make_shared<SegmentStorage>(std::move(segment), size));
}

os::SendResult send_control(int socket, const ControlMessage& message, std::span<const int> fds) {
  return os::send_message(socket, std::as_bytes(std::span(&message, 1)), fds);
}

Payload ControlReceiver::request_block(std::uint32_t id, std::uint64_t size) {
  while (!request_blocks_.contains(id)) receive_one();
  return payload_from_segment(std::move(request_blocks_.extract(id).mapped()), size);
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
      request_blocks_.insert_or_assign(message.id, std::move(fds[0]));
      return;
    case ControlMessage::Kind::kResultBlock:
      expect_fds(fds, 1);
      grant_ = Grant{message.id, std::move(fds[0]), 0};
      return;
    case ControlMessage::Kind::kRefused:
      grant_ = Grant{message.id, os::Fd(), message.error};
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
  const std::size_t size = ipc::total_size(parts);
  if (size < ipc::kInlineLimit) return Payload(std::make_shared<ipc::JoinedStorage>(parts));
  os::Fd segment = ipc::create_block(size);
  os::write_parts(segment, parts);
  return ipc::payload_from_segment(std::move(segment), size);
}

}  // namespace prong
