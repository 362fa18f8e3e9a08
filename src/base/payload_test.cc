#include "prong/payload.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

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
  const std::string text(100, 'm');
  const Payload main = Payload::copy_of(text);
  const Payload other = Payload::copy_of(std::string_view("other"));
  const Payload both = Payload::with_attachments(main, {other});
  EXPECT_EQ(both.text(), text);
  ASSERT_EQ(both.attachments().size(), 1u);
  EXPECT_EQ(both.attachments()[0].text(), "other");
  EXPECT_EQ(Payload::with_attachments(main, {}).storage(), main.storage());
  EXPECT_TRUE(main.attachments().empty());
  EXPECT_TRUE(Payload().attachments().empty());
}

TEST(PayloadTest, CopiesShareTheirBytes) {
  const Payload first = Payload::copy_of(std::string(Payload::kInside + 1, 's'));
  const Payload second = first;
  EXPECT_EQ(first.bytes().data(), second.bytes().data());
  EXPECT_EQ(first.segment_fd(), -1);
}

TEST(PayloadTest, WhatFitsIsInTheObject) {
  const std::string text(Payload::kInside, 'i');
  const Payload payload = Payload::copy_of(text);
  EXPECT_EQ(payload.storage(), nullptr);
  EXPECT_EQ(payload.text(), text);
  EXPECT_EQ(static_cast<const void*>(payload.bytes().data()), static_cast<const void*>(&payload));
  std::array<std::byte, 4> end;
  EXPECT_EQ(payload.read(Payload::kInside - 2, end), 2u);
  EXPECT_EQ(end[1], std::byte{'i'});
  EXPECT_EQ(payload.read(Payload::kInside, end), 0u);
}

// Every way from one kind to another, and to itself.
TEST(PayloadTest, IsCopiedAndMovedWhereverItsBytesAre) {
  const std::string texts[] = {"", "few", std::string(Payload::kInside, 'i'), std::string(200, 's')};
  for (const std::string& before : texts) {
    for (const std::string& after : texts) {
      Payload source = Payload::copy_of(after);
      Payload target = Payload::copy_of(before);
      target = source;
      EXPECT_EQ(target.text(), after);
      EXPECT_EQ(source.text(), after);
      target = Payload::copy_of(before);
      target = std::move(source);
      EXPECT_EQ(target.text(), after);
      EXPECT_TRUE(source.empty());  // NOLINT(bugprone-use-after-move): it is promised
      source = target;
      Payload& same = source;
      source = same;
      EXPECT_EQ(source.text(), after);
      source = std::move(same);
      EXPECT_EQ(source.text(), after);
      const Payload copy(source);
      const Payload moved(std::move(source));
      EXPECT_EQ(copy.text(), after);
      EXPECT_EQ(moved.text(), after);
    }
  }
}

TEST(PayloadTest, SharedBytesLiveAsLongAsTheLastCopy) {
  std::weak_ptr<const PayloadStorage> storage;
  Payload last;
  {
    const Payload first = Payload::copy_of(std::string(100, 's'));
    storage = first.storage();
    last = first;
  }
  EXPECT_EQ(last.size(), 100u);
  EXPECT_FALSE(storage.expired());
  last = Payload();
  EXPECT_TRUE(storage.expired());
}

TEST(PayloadTest, NothingIsEmptyWithoutStorage) {
  EXPECT_TRUE(Payload::copy_of(std::string_view()).empty());
  EXPECT_EQ(Payload::copy_of(std::string_view()).storage(), nullptr);
  EXPECT_EQ(Payload().text(), "");
}

}  // namespace
}  // namespace prong
