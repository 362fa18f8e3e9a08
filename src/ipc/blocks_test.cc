#include "ipc/blocks.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>
#include <tuple>
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

TEST(GatherTest, NobodyCanResizeASegment) {
  const Payload payload = gather(text_of_size(kInlineLimit));
  EXPECT_EQ(::ftruncate(payload.segment_fd(), 0), -1);
  EXPECT_EQ(::ftruncate(payload.segment_fd(), 1 << 20), -1);
}

TEST(GatherTest, MoreThanThereIsIsRefusedBeforeAnythingIsReserved) {
  // Address space that is never touched.
  const ByteSpan part(reinterpret_cast<const std::byte*>(4096), std::size_t{1} << 46);
  EXPECT_THROW(Payload::gather(std::span(&part, 1)), SystemError);
  EXPECT_THROW(BlockStore::of_this_process().take(std::size_t{1} << 46, Use::kResults), SystemError);
}

TEST(SegmentPayloadTest, WhoReadsItMayWriteAndNobodySeesIt) {
  const std::string text = text_of_size(kInlineLimit);
  const Payload payload = gather(text);
  const_cast<std::byte&>(payload.bytes()[7]) = std::byte{99};
  EXPECT_EQ(payload.bytes()[7], std::byte{99});
  std::string in_segment(text.size(), ' ');
  EXPECT_TRUE(os::read_at(payload.segment_fd(), 0, std::as_writable_bytes(std::span(in_segment))));
  EXPECT_EQ(in_segment, text);
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
  EXPECT_THROW(payload_in_block({.segment = os::create_memfd("block", 4096), .capacity = 4096}, 4097), Error);
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
      : here_(std::move(ends.first)), receiver_(std::move(ends.second), [this](auto lease, auto id, auto state) {
          returned_.emplace_back(lease, id, state);
        }) {}

  bool send(const ControlMessage& message, const std::vector<int>& fds = {}) {
    return send_control(here_.get(), message, fds) == os::SendResult::kSent;
  }
  /// As the block of a request.
  bool lend(std::uint32_t id, std::uint16_t lease, const Payload& payload) {
    return send_request_blocks(here_.get(), id, std::span(&payload, 1), std::span(&lease, 1)) == os::SendResult::kSent;
  }
  Payload request_block(std::uint32_t id, std::uint64_t size) {
    return receiver_.payload_of({.block = id, .block_size = size});
  }

  using Returned = std::tuple<std::uint16_t, std::uint32_t, BlockState>;
  std::vector<Returned> returned_;
  os::Fd here_;
  ControlReceiver receiver_;
};

using Kind = ControlMessage::Kind;

TEST_F(ControlTest, BlocksAreKeptUntilAskedFor) {
  const std::string first = text_of_size(kInlineLimit);
  const std::string second = text_of_size(kInlineLimit + 1);
  EXPECT_TRUE(lend(1, 0, gather(first)));
  EXPECT_TRUE(lend(2, 0, gather(second)));
  EXPECT_EQ(request_block(1, first.size()).text(), first);
  EXPECT_EQ(request_block(2, second.size()).text(), second);
}

TEST_F(ControlTest, ABlockIsGivenBackWithTheLastCopy) {
  const std::string text = text_of_size(kInlineLimit);
  lend(3, 5, gather(text));
  Payload payload = request_block(3, text.size());
  Payload copy = payload;
  payload = {};
  EXPECT_TRUE(returned_.empty());
  copy = {};
  EXPECT_EQ(returned_, std::vector{Returned(5, 3, BlockState::kReturned)});
}

TEST_F(ControlTest, BlocksOfRequestsThatWereTakenBackAreGivenBack) {
  const std::string text = text_of_size(kInlineLimit);
  for (std::uint16_t number = 1; number <= 3; ++number) lend(number, number, gather(text));
  lend(4, 9, gather(text));
  const Payload payload = request_block(3, text.size());
  EXPECT_EQ(returned_, (std::vector{Returned(1, 1, BlockState::kReturned), Returned(2, 2, BlockState::kReturned)}));
  EXPECT_EQ(request_block(4, text.size()).text(), text);
}

TEST_F(ControlTest, ABlockThatAForkMayHaveIsSaidToBeCopiedByItsOwnerAlone) {
  const std::string text = text_of_size(kInlineLimit);
  lend(1, 1, gather(text));
  std::optional<Payload> payload = request_block(1, text.size());
  test::Child child([&] {
    if (payload->text() != text) ::_exit(1);
    payload.reset();
    if (!returned_.empty()) ::_exit(2);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
  payload.reset();
  EXPECT_EQ(returned_, std::vector{Returned(1, 1, BlockState::kCopied)});
}

TEST_F(ControlTest, AttachmentsTravelAlong) {
  const std::string text = text_of_size(kInlineLimit);
  const std::string first = text_of_size(kInlineLimit + 7);
  const std::vector<Payload> blocks{gather(text), gather(first), gather(text)};
  const std::vector<std::uint16_t> leases{4, 5, 6};
  EXPECT_EQ(send_request_blocks(here_.get(), 1, blocks, leases), os::SendResult::kSent);
  Payload payload = request_block(1, text.size());
  EXPECT_EQ(payload.text(), text);
  ASSERT_EQ(payload.attachments().size(), 2u);
  Payload attachment = payload.attachments()[0];
  EXPECT_EQ(attachment.text(), first);
  payload = {};
  EXPECT_EQ(returned_.size(), 2u) << "each is given back by itself";
  attachment = {};
  EXPECT_EQ(returned_.back(), Returned(5, 1, BlockState::kReturned));
}

TEST_F(ControlTest, AttachmentsOfAnInlinePayload) {
  const std::string text = text_of_size(kInlineLimit);
  lend(1, 1, gather(text));
  const Payload payload = receiver_.payload_of({.block = 1, .bytes = as_bytes("inline")});
  EXPECT_EQ(payload.text(), "inline");
  ASSERT_EQ(payload.attachments().size(), 1u);
  EXPECT_EQ(payload.attachments()[0].text(), text);
}

TEST_F(ControlTest, WhatWritesToItsArgumentChangesNoOther) {
  const std::string text = text_of_size(kInlineLimit);
  const Payload sent = gather(text);
  lend(1, 1, sent);
  const Payload received = request_block(1, text.size());
  const_cast<std::byte&>(received.bytes()[7]) = std::byte{99};
  EXPECT_EQ(sent.text(), text);
}

/// In new memory, and in memory that was written before.
class ResultBlockTest : public ControlTest, public testing::WithParamInterface<bool> {};

TEST_P(ResultBlockTest, IsWrittenByTheWorker) {
  const std::string text = text_of_size(kInlineLimit);
  Block block = BlockStore::of_this_process().take(text.size(), Use::kResults);
  if (GetParam()) os::write_parts(block.segment, std::vector<ByteSpan>{as_bytes(std::string(text.size(), 'x'))});
  const os::Fd outputs = os::create_memfd("outputs", 0);
  send({.kind = Kind::kOutputs}, {outputs.get(), outputs.get()});  // may come at any time
  send({.kind = Kind::kResultBlock, .id = 5, .written = GetParam() ? 1u : 0u}, {block.segment.get()});
  const ControlReceiver::Grant grant = receiver_.result_block();
  EXPECT_EQ(grant.id, 5u);
  EXPECT_EQ(grant.written, GetParam());
  const ByteSpan all = as_bytes(text);
  grant.write(std::vector<ByteSpan>{all.first(1000), ByteSpan{}, all.subspan(1000)});
  EXPECT_EQ(payload_in_block(std::move(block), text.size()).text(), text);
  EXPECT_TRUE(receiver_.outputs()[1]);
}

INSTANTIATE_TEST_SUITE_P(Memory, ResultBlockTest, testing::Bool());

TEST_F(ControlTest, RefusalCarriesTheError) {
  send({.kind = Kind::kRefused, .error = ENOMEM});
  const ControlReceiver::Grant grant = receiver_.result_block();
  EXPECT_FALSE(grant.segment);
  EXPECT_EQ(grant.error, ENOMEM);
}

TEST_F(ControlTest, MessagesThatMakeNoSenseThrow) {
  send({.kind = Kind::kOutputs});
  EXPECT_THROW(receiver_.outputs(), Error);
  send({.kind = static_cast<Kind>(77)});
  EXPECT_THROW(receiver_.outputs(), Error);
  os::send_message(here_.get(), as_bytes("short"));
  EXPECT_THROW(receiver_.outputs(), Error);
}

TEST_F(ControlTest, FullSocketIsNoError) {
  while (send({.kind = Kind::kRefused, .error = ENOMEM})) continue;
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
