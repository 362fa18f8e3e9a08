#include "cli/output/pieces.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

std::string prefixed(std::initializer_list<std::string_view> pieces) {
  Prefixer prefixer("p:");
  std::string text;
  for (const std::string_view piece : pieces) prefixer.put(piece, [&](std::string_view part) { text += part; });
  return text;
}

TEST(PrefixerTest, BeginsEachLine) {
  EXPECT_EQ(prefixed({"a\nb\n"}), "p:a\np:b\n");
  EXPECT_EQ(prefixed({"a\nb"}), "p:a\np:b");
  EXPECT_EQ(prefixed({"\n\n"}), "p:\np:\n");
  EXPECT_EQ(prefixed({""}), "");
}

TEST(PrefixerTest, ALineInSeveralPiecesHasOnePrefix) {
  EXPECT_EQ(prefixed({"a", "b\nc", "\n", "d"}), "p:ab\np:c\np:d");
}

TEST(PiecesTest, MakeUpTheWhole) {
  std::string text;
  for (int number = 0; text.size() < 1'000'000; ++number) text += std::to_string(number);
  std::string together;
  std::size_t longest = 0;
  for_each_piece(Payload::copy_of(text), [&](std::string_view piece) {
    together += piece;
    longest = std::max(longest, piece.size());
  });
  EXPECT_TRUE(together == text);
  EXPECT_LT(longest, text.size());
}

TEST(PiecesTest, NothingHasNone) {
  for_each_piece({}, [](std::string_view) { FAIL(); });
}

}  // namespace
}  // namespace prong::cli
