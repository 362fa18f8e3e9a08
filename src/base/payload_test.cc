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
