// Blocks: large payloads, each a sealed memfd, passed as descriptors over the worker's control socket.
//
// Requests: the coordinator sends {kRequestBlock, id} + memfd before it pushes the request that names `id`.
// Results: the worker publishes kNeedBlock; the coordinator answers {kResultBlock, id} + an empty memfd of that size or
// {kRefused, errno}; the worker writes it and publishes the result that names `id`. Only the coordinator creates
// segments. Commands: {kOutputs} + two memfds take standard output and error of the next jobs. Functions: {kStacks} +
// a memfd takes the worker's stacks when they are asked for.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

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
  std::uint32_t padding = 0;
};

/// Coordinator: an empty segment for a payload of `size` bytes. Throws SystemError: ENOMEM if the machine or a memory
/// cgroup does not have that much, before anything is reserved.
os::Fd create_block(std::size_t size);

/// A payload over a segment of `size` bytes: maps it copy-on-write on first use; keeps the descriptor so that it can be
/// passed on. Used for payloads received and (by Payload::gather) for large payloads to be sent. Seals the segment:
/// nobody can begin to write it from now on. Throws Error if the segment is smaller than `size`.
Payload payload_from_segment(os::Fd segment, std::size_t size);

/// Coordinator: sends a control message without waiting: the socket may be full (a slow worker), or closed (it is
/// gone).
os::SendResult send_control(int socket, const ControlMessage& message, std::span<const int> fds);

/// Worker: receives control messages in any order and keeps those that are not asked for yet.
class ControlReceiver {
 public:
  explicit ControlReceiver(os::Fd socket) : socket_(std::move(socket)) {}

  /// Waits for the block `id` of a request.
  Payload request_block(std::uint32_t id, std::uint64_t size);

  struct Grant {
    std::uint32_t id = 0;
    os::Fd segment;  ///< empty: refused with `error`
    int error = 0;
  };
  /// Waits for the answer to kNeedBlock.
  Grant result_block();
  /// Waits for a pair of output files: {standard output, standard error}.
  std::array<os::Fd, 2> outputs();
  /// Waits for the file that takes stacks.
  os::Fd stacks();

 private:
  void accept(const ControlMessage& message, std::vector<os::Fd>& fds);
  void receive_one();  ///< blocks; the process ends (_exit) when the coordinator is gone

  os::Fd socket_;
  std::map<std::uint32_t, os::Fd> request_blocks_;
  std::optional<Grant> grant_;
  std::optional<std::array<os::Fd, 2>> outputs_;
  std::optional<os::Fd> stacks_;
};

}  // namespace prong::ipc
