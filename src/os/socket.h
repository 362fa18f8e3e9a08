// Message sockets (AF_UNIX, SOCK_SEQPACKET) that carry fixed-size records and descriptors. Any process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "os/fd.h"

namespace prong::os {

/// Two connected ends, close-on-exec and non-blocking. Throws SystemError.
std::pair<Fd, Fd> socket_pair();

/// The other side sees the end after what was sent. Does nothing if it is gone.
void stop_sending(int socket) noexcept;

/// Whether the other side sends no more, whatever there is still to be read.
bool has_ended(int socket) noexcept;

enum class SendResult { kSent, kFull, kClosed };

/// Sends one message whole. kFull: try again when writable. kClosed: nobody will read it. Throws SystemError on others.
SendResult send_message(int socket, std::span<const std::byte> message, std::span<const int> fds = {});

struct ReceiveResult {
  enum class Kind { kMessage, kNothing, kClosed } kind = Kind::kNothing;
  std::size_t size = 0;  ///< of the message; larger than the buffer if it was cut
};

/// Takes one message if there is one. Descriptors arrive close-on-exec, appended to `fds` (at most 16 a message).
ReceiveResult receive_message(int socket, std::span<std::byte> into, std::vector<Fd>& fds);

/// Waits until `fd` is readable (or closed); false at the deadline (absolute CLOCK_MONOTONIC ns, or -1: none).
bool wait_readable(int fd, std::int64_t deadline_ns);
bool wait_writable(int fd, std::int64_t deadline_ns);

}  // namespace prong::os
