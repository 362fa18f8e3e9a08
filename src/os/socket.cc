#include "os/socket.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "os/check.h"
#include "os/clock.h"

namespace prong::os {
namespace {

constexpr std::size_t kMostFds = 16;

/// Room for the descriptors of one message, aligned as the kernel wants it.
struct Ancillary {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFds * sizeof(int))> bytes{};
};

void attach_fds(msghdr& header, Ancillary& room, std::span<const int> fds) {
  if (fds.empty()) return;
  PRONG_CHECK(fds.size() <= kMostFds);
  header.msg_control = room.bytes.data();
  header.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = SOL_SOCKET;
  item->cmsg_type = SCM_RIGHTS;
  item->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(item), fds.data(), fds.size_bytes());
}

void take_fds(cmsghdr* item, std::vector<Fd>& fds) {
  if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) return;
  const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  std::array<int, kMostFds> numbers{};
  std::memcpy(numbers.data(), CMSG_DATA(item), std::min(count, kMostFds) * sizeof(int));
  for (std::size_t i = 0; i < std::min(count, kMostFds); ++i) fds.emplace_back(numbers[i]);
}

void take_all_fds(msghdr& header, std::vector<Fd>& fds) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    take_fds(item, fds);
  }
  // The kernel drops descriptors silently when this process may have no more of them.
  if ((header.msg_flags & MSG_CTRUNC) != 0) fail(EMFILE, "receive descriptors over a socket");
}

bool wait_for(int fd, short events, std::int64_t deadline_ns) {
  for (;;) {
    const std::int64_t left = deadline_ns < 0 ? 0 : std::max<std::int64_t>(0, deadline_ns - monotonic_now());
    const timespec timeout{static_cast<time_t>(left / 1'000'000'000), static_cast<long>(left % 1'000'000'000)};
    pollfd polled{fd, events, 0};
    const int count = ::ppoll(&polled, 1, deadline_ns < 0 ? nullptr : &timeout, nullptr);
    if (count == -1 && errno == EINTR) continue;
    return check(count, "wait for descriptor ", fd) > 0;
  }
}

bool means_closed(int error) noexcept {
  return error == EPIPE || error == ECONNRESET || error == ENOTCONN;
}

// What passes. ETOOMANYREFS: too many descriptors of this user are under way, until receivers take them; ENOBUFS,
// ENOMEM: the kernel has no memory at this moment.
bool means_full(int error) noexcept {
  return error == EAGAIN || error == EWOULDBLOCK || error == ETOOMANYREFS || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

std::pair<Fd, Fd> socket_pair() {
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), "create a socket pair");
  return {Fd(ends[0]), Fd(ends[1])};
}

void stop_sending(int socket) noexcept {
  ::shutdown(socket, SHUT_WR);
}

bool has_ended(int socket) noexcept {
  pollfd entry = {socket, POLLRDHUP, 0};
  return ::poll(&entry, 1, 0) > 0;
}

SendResult send_message(int socket, std::span<const std::byte> message, std::span<const int> fds) {
  PRONG_CHECK(!message.empty());  // an empty one looks like the end to the receiver
  iovec part{const_cast<std::byte*>(message.data()), message.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  Ancillary room;
  attach_fds(header, room, fds);
  const ssize_t sent = retry([&]() noexcept { return ::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT); });
  if (sent >= 0) return SendResult::kSent;
  if (means_full(errno)) return SendResult::kFull;
  if (means_closed(errno)) return SendResult::kClosed;
  fail(errno, "send ", message.size(), " bytes and ", fds.size(), " descriptors over socket ", socket);
}

ReceiveResult receive_message(int socket, std::span<std::byte> into, std::vector<Fd>& fds) {
  iovec part{into.data(), into.size()};
  Ancillary room;
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.bytes.data();
  header.msg_controllen = room.bytes.size();
  constexpr int kFlags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT | MSG_TRUNC;
  const ssize_t size = retry([&]() noexcept { return ::recvmsg(socket, &header, kFlags); });
  if (size == -1 && means_full(errno)) return {ReceiveResult::Kind::kNothing, 0};
  if (size == 0 || (size == -1 && means_closed(errno))) return {ReceiveResult::Kind::kClosed, 0};
  check(size, "receive from socket ", socket);
  take_all_fds(header, fds);
  return {ReceiveResult::Kind::kMessage, static_cast<std::size_t>(size)};
}

bool wait_readable(int fd, std::int64_t deadline_ns) {
  return wait_for(fd, POLLIN, deadline_ns);
}

bool wait_writable(int fd, std::int64_t deadline_ns) {
  return wait_for(fd, POLLOUT, deadline_ns);
}

}  // namespace prong::os
