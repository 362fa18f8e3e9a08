#include "cli/output/base64.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

TEST(Base64Test, TheExamplesOfRfc4648) {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64Test, EveryByteThereAndBack) {
  std::string bytes;
  for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i * 7);
  EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
}

TEST(Base64Test, PiecesAreAsTheWhole) {
  const std::string bytes = "some bytes in pieces";
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    std::string text;
    const PutText put = [&](std::string_view more) { text += more; };
    Base64 encoder;
    for (std::size_t at = 0; at < bytes.size(); at += size) encoder.add(std::string_view(bytes).substr(at, size), put);
    encoder.end(put);
    EXPECT_EQ(text, to_base64(bytes));
  }
}

TEST(Base64Test, WhatIsNoneIsRefused) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zm9v!", "Zm9*", "====", "Zg==Zg=="})
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace prong::cli
