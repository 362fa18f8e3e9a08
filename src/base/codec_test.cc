#include "base/codec.h"

#include <gtest/gtest.h>

namespace prong::base {
namespace {

std::string sample() {
  Writer writer;
  writer.u8(7);
  writer.u32(70000);
  writer.u64(1ull << 40);
  writer.text("hello");
  writer.texts({"", "two", std::string("a\0b", 3)});
  return writer.take();
}

TEST(CodecTest, ReadsWhatWasWritten) {
  const std::string bytes = sample();
  Reader reader(as_bytes(bytes));
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u32(), 70000u);
  EXPECT_EQ(reader.u64(), 1ull << 40);
  EXPECT_EQ(reader.text(), "hello");
  EXPECT_EQ(reader.texts(), (std::vector<std::string>{"", "two", std::string("a\0b", 3)}));
  EXPECT_TRUE(reader.finished());
}

TEST(CodecTest, EveryTruncationIsNoticed) {
  const std::string bytes = sample();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader reader(as_bytes(std::string_view(bytes).substr(0, size)));
    reader.u8();
    reader.u32();
    reader.u64();
    reader.text();
    reader.texts();
    EXPECT_FALSE(reader.ok()) << size;
  }
}

TEST(CodecTest, BytesLeftOverAreNotFinished) {
  const std::string bytes = sample();
  Reader reader(as_bytes(bytes));
  reader.u8();
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.finished());
}

TEST(CodecTest, ImpossibleLengthReadsAsEmpty) {
  Writer writer;
  writer.u64(~0ull);
  writer.u64(1);
  Reader reader(writer.view());
  EXPECT_TRUE(reader.bytes().empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u64(), 0u);
}

TEST(CodecTest, ImpossibleCountReservesLittle) {
  Writer writer;
  writer.u32(~0u);
  Reader reader(writer.view());
  EXPECT_TRUE(reader.texts().empty());
  EXPECT_FALSE(reader.ok());
}

TEST(CodecTest, RaisedComesBack) {
  const std::string bytes = encode_raised(
      {.type = "m.Type", .message = "why", .traceback = "trace", .bases = {"m.Base"}}, as_bytes("pickle"));
  const auto raised = decode_raised(as_bytes(bytes));
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->type, "m.Type");
  EXPECT_EQ(raised->message, "why");
  EXPECT_EQ(raised->traceback, "trace");
  EXPECT_EQ(raised->value.text(), "pickle");
  EXPECT_EQ(raised->bases, std::vector<std::string>{"m.Base"});
}

TEST(CodecTest, DamagedRaisedIsNothing) {
  const std::string bytes = encode_raised({.type = "t", .message = "m", .traceback = "b"}, as_bytes("v"));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_raised(as_bytes(bytes.substr(0, size))));
  EXPECT_FALSE(decode_raised(as_bytes(bytes + "x")));
}

}  // namespace
}  // namespace prong::base
