#include "prong/payload.h"

#include <gtest/gtest.h>

#include <string>

namespace prong {
namespace {

TEST(PayloadTest, CopyOutlivesItsSource) {
  std::string source = "one two";
  const Payload payload = Payload::copy_of(source);
  source.assign("gone");
  EXPECT_EQ(payload.text(), "one two");
  EXPECT_EQ(payload.size(), 7u);
}

TEST(PayloadTest, KeepsEveryByteValue) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  EXPECT_EQ(Payload::copy_of(all).text(), all);
}

TEST(PayloadTest, PartsOfAllSizesAreJoined) {
  for (std::size_t size = 0; size < 300; ++size) {
    const std::string text(size, static_cast<char>('a' + size % 26));
    const ByteSpan all = as_bytes(text);
    const ByteSpan parts[] = {all.first(size / 2), ByteSpan{}, all.subspan(size / 2)};
    EXPECT_EQ(Payload::copy_of(parts).text(), text);
  }
}

TEST(PayloadTest, AttachmentsGoAlong) {
  const Payload main = Payload::copy_of(std::string_view("main"));
  const Payload other = Payload::copy_of(std::string_view("other"));
  const Payload both = Payload::with_attachments(main, {other});
  EXPECT_EQ(both.text(), "main");
  ASSERT_EQ(both.attachments().size(), 1u);
  EXPECT_EQ(both.attachments()[0].text(), "other");
  EXPECT_EQ(Payload::with_attachments(main, {}).storage(), main.storage());
  EXPECT_TRUE(main.attachments().empty());
  EXPECT_TRUE(Payload().attachments().empty());
}

TEST(PayloadTest, CopiesShareTheirBytes) {
  const Payload first = Payload::copy_of(std::string_view("shared"));
  const Payload second = first;
  EXPECT_EQ(first.bytes().data(), second.bytes().data());
  EXPECT_EQ(first.segment_fd(), -1);
}

TEST(PayloadTest, NothingIsEmptyWithoutStorage) {
  EXPECT_TRUE(Payload::copy_of(std::string_view()).empty());
  EXPECT_EQ(Payload::copy_of(std::string_view()).storage(), nullptr);
  EXPECT_EQ(Payload().text(), "");
}

}  // namespace
}  // namespace prong
