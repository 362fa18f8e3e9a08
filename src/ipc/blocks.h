// Blocks: large payloads, each in a memfd, passed as descriptors over the worker's control socket.
//
// Requests: the coordinator sends {kRequestBlock, id} + memfds (the payload, unless it is inline, and its
// attachments) before it pushes the request that names `id`; the worker maps them privately, closes them, and says in
// the channel when nothing of them is used any more.
// Results: the worker publishes kNeedBlock; the coordinator answers {kResultBlock, id} + a memfd of at least that size
// or {kRefused, errno}; the worker writes it, closes it and publishes the result that names `id`. Only the coordinator
// creates segments (see block_store.h). Commands: {kOutputs} + two memfds take standard output and error of the next
// jobs. Functions: {kStacks} + a memfd takes the worker's stacks when they are asked for.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "ipc/block_store.h"
#include "ipc/frames.h"
#include "os/fd.h"
#include "os/socket.h"
#include "prong/payload.h"

namespace prong::ipc {

struct ControlMessage {
  enum class Kind : std::uint32_t { kRequestBlock = 1, kResultBlock, kRefused, kOutputs, kStacks };
  Kind kind = Kind::kRequestBlock;
  std::uint32_t id = 0;
  std::uint64_t size = 0;
  std::int32_t error = 0;
  std::uint32_t written = 0;  ///< kResultBlock: 1 if its bytes are memory already
};
static_assert(sizeof(ControlMessage) == 24);

/// Of one request: the payload, unless it is inline, and its attachments.
inline constexpr std::size_t kMostBlocks = 1 + Payload::kMostAttachments;

struct BlockHead {
  std::uint64_t size = 0;   ///< of what is in it
  std::uint16_t lease = 0;  ///< under what number it is to be given back; 0: not at all
  std::array<std::uint16_t, 3> padding{};
};

/// kRequestBlock is followed by one head for each block.
struct MessageWithHeads {
  ControlMessage head;
  std::array<BlockHead, kMostBlocks> heads{};
};

/// Coordinator: a payload of `size` bytes in a block: maps it copy-on-write on first use; keeps the descriptor so that
/// it can be passed on. Gives the block back to the store with its last copy, unless it was retired, or the process
/// forked meanwhile.
/// Throws Error if the block is smaller than `size`.
Payload payload_in_block(Block block, std::size_t size);

/// Coordinator: the same with these bytes, joined. Throws SystemError.
Payload write_block(Block block, std::span<const ByteSpan> parts);

/// Coordinator: sends the blocks of a request, as send_control().
os::SendResult send_request_blocks(int socket, std::uint32_t id, std::span<const Payload> blocks,
                                   std::span<const std::uint16_t> leases);
/// Coordinator: sends a control message without waiting: the socket may be full (a slow worker), or closed (it is
/// gone).
os::SendResult send_control(int socket, const ControlMessage& message, std::span<const int> fds);

/// Worker: receives control messages in any order and keeps those that are not asked for yet.
class ControlReceiver {
 public:
  /// Takes blocks of requests back; called from any thread that drops the last copy of a payload.
  using ReturnBlock = std::function<void(std::uint16_t lease, std::uint32_t id, BlockState state)>;

  ControlReceiver(os::Fd socket, ReturnBlock return_block)
      : socket_(std::move(socket)), return_block_(std::move(return_block)) {}

  /// The payload of a request, wherever it is: waits for its blocks if it has any. Those with smaller ids were for
  /// requests that were taken back, and are given back now. Does not point into the channel.
  Payload payload_of(const Request& request);

  struct Grant {
    std::uint32_t id = 0;
    os::Fd segment;        ///< empty: refused with `error`
    bool written = false;  ///< its bytes are memory already
    int error = 0;

    void write(std::span<const ByteSpan> parts) const;
  };
  /// Waits for the answer to kNeedBlock.
  Grant result_block();
  /// Waits for a pair of output files: {standard output, standard error}.
  std::array<os::Fd, 2> outputs();
  /// Waits for the file that takes stacks.
  os::Fd stacks();

 private:
  void accept(const MessageWithHeads& message, std::vector<os::Fd>& fds);
  void receive_one();  ///< blocks; the process ends (_exit) when the coordinator is gone

  struct RequestBlocks {
    std::vector<os::Fd> segments;
    std::array<BlockHead, kMostBlocks> heads{};
  };

  os::Fd socket_;
  ReturnBlock return_block_;
  std::map<std::uint32_t, RequestBlocks> request_blocks_;
  std::optional<Grant> grant_;
  std::optional<std::array<os::Fd, 2>> outputs_;
  std::optional<os::Fd> stacks_;
};

}  // namespace prong::ipc
