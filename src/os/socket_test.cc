#include "os/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "os/clock.h"
#include "os/memory.h"
#include "prong/error.h"
#include "prong/payload.h"

namespace prong::os {
namespace {

using Kind = ReceiveResult::Kind;

std::string receive_text(int socket, std::vector<Fd>& fds, std::size_t room = 64) {
  std::string text(room, '\0');
  const ReceiveResult result = receive_message(socket, std::as_writable_bytes(std::span(text)), fds);
  EXPECT_EQ(result.kind, Kind::kMessage);
  text.resize(std::min(result.size, room));
  return text;
}

TEST(SocketTest, MessagesKeepTheirBoundaries) {
  const auto [here, there] = socket_pair();
  EXPECT_EQ(send_message(here.get(), as_bytes("one")), SendResult::kSent);
  EXPECT_EQ(send_message(here.get(), as_bytes("three")), SendResult::kSent);
  std::vector<Fd> fds;
  EXPECT_EQ(receive_text(there.get(), fds), "one");
  EXPECT_EQ(receive_text(there.get(), fds), "three");
  std::byte room[8];
  EXPECT_EQ(receive_message(there.get(), room, fds).kind, Kind::kNothing);
}

TEST(SocketTest, DescriptorsArriveCloseOnExec) {
  const auto [here, there] = socket_pair();
  const Fd file = create_memfd("socket-test", 0);
  write_parts(file, std::vector<std::span<const std::byte>>{as_bytes("content")});
  std::vector<int> sent(16, file.get());
  EXPECT_EQ(send_message(here.get(), as_bytes("x"), sent), SendResult::kSent);
  std::vector<Fd> fds;
  receive_text(there.get(), fds);
  ASSERT_EQ(fds.size(), 16u);
  EXPECT_NE(::fcntl(fds[15].get(), F_GETFD) & FD_CLOEXEC, 0);
  std::byte content[7];
  EXPECT_TRUE(read_at(fds[15].get(), 0, content));
  EXPECT_EQ(as_text(content), "content");
}

TEST(SocketTest, CutMessageTellsItsWholeSize) {
  const auto [here, there] = socket_pair();
  send_message(here.get(), as_bytes("0123456789"));
  std::byte room[4];
  std::vector<Fd> fds;
  EXPECT_EQ(receive_message(there.get(), room, fds).size, 10u);
}

TEST(SocketTest, FullThenWritableAgain) {
  const auto [here, there] = socket_pair();
  SendResult result = SendResult::kSent;
  while (result == SendResult::kSent) result = send_message(here.get(), as_bytes("message"));
  EXPECT_EQ(result, SendResult::kFull);
  EXPECT_FALSE(wait_writable(here.get(), monotonic_now()));
  std::vector<Fd> fds;
  std::byte room[8];
  while (receive_message(there.get(), room, fds).kind == Kind::kMessage) continue;
  EXPECT_TRUE(wait_writable(here.get(), -1));
  EXPECT_EQ(send_message(here.get(), as_bytes("message")), SendResult::kSent);
}

TEST(SocketTest, ClosedIsSeenBySenderAndReceiver) {
  auto [here, there] = socket_pair();
  send_message(here.get(), as_bytes("last"));
  here.reset();
  std::vector<Fd> fds;
  EXPECT_TRUE(wait_readable(there.get(), -1));
  EXPECT_EQ(receive_text(there.get(), fds), "last");
  std::byte room[8];
  EXPECT_EQ(receive_message(there.get(), room, fds).kind, Kind::kClosed);
  EXPECT_EQ(send_message(there.get(), as_bytes("x")), SendResult::kClosed);  // and no SIGPIPE
}

TEST(SocketTest, WaitReadableMeetsItsDeadline) {
  const auto [here, there] = socket_pair();
  const std::int64_t deadline = monotonic_now() + 1'500'000;
  EXPECT_FALSE(wait_readable(here.get(), deadline));
  EXPECT_GE(monotonic_now(), deadline);
}

TEST(SocketTest, OtherErrorsThrow) {
  const Fd file = create_memfd("socket-test", 0);
  std::byte room[1];
  std::vector<Fd> fds;
  EXPECT_THROW(send_message(file.get(), as_bytes("x")), SystemError);
  EXPECT_THROW(receive_message(file.get(), room, fds), SystemError);
}

// Without a free number the kernel delivers the message and drops the descriptors silently.
TEST(SocketTest, DescriptorsThatFindNoNumberAreAnError) {
  const auto [here, there] = socket_pair();
  const Fd file = create_memfd("socket-test", 0);
  const int number = file.get();
  send_message(here.get(), as_bytes("x"), std::span(&number, 1));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{3, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  std::byte room[8];
  std::vector<Fd> fds;
  EXPECT_THROW(receive_message(there.get(), room, fds), SystemError);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace prong::os
