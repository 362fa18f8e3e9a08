#include "ipc/blocks.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "ipc/frames.h"
#include "os/memory.h"
#include "os/socket.h"
#include "prong/error.h"
#include "support/crash.h"

namespace prong::ipc {
namespace {

std::string text_of_size(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 4096);
  return text;
}

Payload gather(const std::string& text) {
  const ByteSpan all = as_bytes(text);
  const std::vector<ByteSpan> parts{all.first(text.size() / 3), ByteSpan{}, all.subspan(text.size() / 3)};
  return Payload::gather(parts);
}

TEST(GatherTest, SmallGoesToTheHeapAndLargeToASegment) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kInlineLimit - 1, kInlineLimit, kInlineLimit * 9 + 5}) {
    const std::string text = text_of_size(size);
    const Payload payload = gather(text);
    EXPECT_EQ(payload.size(), size);
    EXPECT_EQ(payload.text(), text);
    EXPECT_EQ(payload.segment_fd() >= 0, size >= kInlineLimit) << size;
  }
}

TEST(GatherTest, NobodyCanChangeASegmentAfterwards) {
  const Payload payload = gather(text_of_size(kInlineLimit));
  const int fd = payload.segment_fd();
  const std::byte byte{1};
  EXPECT_EQ(::pwrite(fd, &byte, 1, 0), -1);
  EXPECT_EQ(::ftruncate(fd, 0), -1);
  EXPECT_THROW(os::Mapping(fd, payload.size(), os::Mapping::Mode::kShared), SystemError);
}

TEST(GatherTest, MoreThanThereIsIsRefusedBeforeAnythingIsReserved) {
  // Address space that is never touched.
  const ByteSpan part(reinterpret_cast<const std::byte*>(4096), std::size_t{1} << 46);
  EXPECT_THROW(Payload::gather(std::span(&part, 1)), SystemError);
  EXPECT_THROW(create_block(std::size_t{1} << 46), SystemError);
}

TEST(SegmentPayloadTest, ReceiverMayWriteAndNobodySeesIt) {
  const std::string text = text_of_size(kInlineLimit);
  const Payload sent = gather(text);
  const os::Fd copy(::fcntl(sent.segment_fd(), F_DUPFD_CLOEXEC, 3));
  const Payload received = payload_from_segment(copy.duplicate(), text.size());
  const_cast<std::byte&>(received.bytes()[7]) = std::byte{99};
  EXPECT_EQ(received.bytes()[7], std::byte{99});
  EXPECT_EQ(sent.text(), text);
}

TEST(SegmentPayloadTest, IsMappedOnceByManyThreads) {
  const Payload payload = gather(text_of_size(kInlineLimit * 2));
  std::vector<const std::byte*> addresses(8);
  std::vector<std::thread> threads;
  for (auto& address : addresses) threads.emplace_back([&] { address = payload.bytes().data(); });
  for (auto& thread : threads) thread.join();
  for (const auto* address : addresses) EXPECT_EQ(address, payload.bytes().data());
}

TEST(SegmentPayloadTest, TooSmallASegmentIsRefused) {
  EXPECT_THROW(payload_from_segment(os::create_memfd("block", 4096), 4097), Error);
}

TEST(SegmentPayloadTest, ForkedChildMayRead) {
  const std::string text = text_of_size(kInlineLimit);
  const Payload payload = gather(text);
  EXPECT_EQ(payload.text(), text);
  test::Child child([&] {
    if (payload.text() != text) ::_exit(1);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

class ControlTest : public testing::Test {
 protected:
  ControlTest() : ControlTest(os::socket_pair()) {}
  explicit ControlTest(std::pair<os::Fd, os::Fd> ends)
      : here_(std::move(ends.first)), receiver_(std::move(ends.second)) {}

  bool send(ControlMessage::Kind kind, std::uint32_t id, const std::vector<const os::Fd*>& fds, int error = 0) {
    ControlMessage message;
    message.kind = kind;
    message.id = id;
    message.error = error;
    std::vector<int> numbers;
    for (const os::Fd* fd : fds) numbers.push_back(fd->get());
    return send_control(here_.get(), message, numbers) == os::SendResult::kSent;
  }

  os::Fd here_;
  ControlReceiver receiver_;
};

using Kind = ControlMessage::Kind;

TEST_F(ControlTest, BlocksAreKeptUntilAskedFor) {
  const std::string first = text_of_size(kInlineLimit);
  const std::string second = text_of_size(kInlineLimit + 1);
  for (const auto& [id, text] : {std::pair(1u, &first), std::pair(2u, &second)}) {
    const Payload payload = gather(*text);
    const os::Fd fd(::fcntl(payload.segment_fd(), F_DUPFD_CLOEXEC, 3));
    EXPECT_TRUE(send(Kind::kRequestBlock, id, {&fd}));
  }
  EXPECT_EQ(receiver_.request_block(2, second.size()).text(), second);
  EXPECT_EQ(receiver_.request_block(1, first.size()).text(), first);
}

TEST_F(ControlTest, ResultBlockIsWrittenByTheWorkerAndSealedByTheReceiver) {
  const os::Fd block = create_block(kInlineLimit);
  const os::Fd outputs = os::create_memfd("outputs", 0);
  send(Kind::kOutputs, 0, {&outputs, &outputs});  // may come at any time
  send(Kind::kResultBlock, 5, {&block});
  const ControlReceiver::Grant grant = receiver_.result_block();
  EXPECT_EQ(grant.id, 5u);
  const std::string text = text_of_size(kInlineLimit);
  os::write_parts(grant.segment, std::vector<ByteSpan>{as_bytes(text)});
  const Payload result = payload_from_segment(block.duplicate(), text.size());
  EXPECT_EQ(result.text(), text);
  EXPECT_THROW(os::write_parts(grant.segment, std::vector<ByteSpan>{as_bytes("x")}), SystemError);
  EXPECT_TRUE(receiver_.outputs()[1]);
}

TEST_F(ControlTest, RefusalCarriesTheError) {
  send(Kind::kRefused, 0, {}, ENOMEM);
  const ControlReceiver::Grant grant = receiver_.result_block();
  EXPECT_FALSE(grant.segment);
  EXPECT_EQ(grant.error, ENOMEM);
}

TEST_F(ControlTest, MessagesThatMakeNoSenseThrow) {
  send(Kind::kOutputs, 0, {});
  EXPECT_THROW(receiver_.outputs(), Error);
  send(static_cast<Kind>(77), 0, {});
  EXPECT_THROW(receiver_.outputs(), Error);
  os::send_message(here_.get(), as_bytes("short"));
  EXPECT_THROW(receiver_.outputs(), Error);
}

TEST_F(ControlTest, FullSocketIsNoError) {
  while (send(Kind::kRefused, 0, {}, ENOMEM)) continue;
  EXPECT_EQ(receiver_.result_block().error, ENOMEM);
}

TEST_F(ControlTest, WorkerEndsWithItsCoordinator) {
  test::Child worker([this] {
    here_.reset();
    receiver_.result_block();
    ::_exit(77);  // not reached
  });
  here_.reset();
  EXPECT_EQ(WEXITSTATUS(worker.wait()), EXIT_FAILURE);
}

}  // namespace
}  // namespace prong::ipc
