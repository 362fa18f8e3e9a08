#include "cli/inputs/block_cutter.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace prong::cli {
namespace {

using Texts = std::vector<std::string>;

/// The blocks of a text that comes in parts of so many bytes.
Texts blocks_of(std::string_view text, const BlockRules& rules, std::size_t part) {
  BlockCutter cutter(rules);
  Texts blocks;
  Values values;
  const auto take_all = [&] {
    for (bool has = cutter.has_record(); cutter.take(values); has = cutter.has_record()) {
      EXPECT_TRUE(has);
      blocks.push_back(values.front());
    }
    EXPECT_FALSE(cutter.has_record());
  };
  for (; !text.empty(); text.remove_prefix(std::min(part, text.size()))) {
    cutter.append(text.substr(0, part));
    take_all();
  }
  cutter.end();
  take_all();
  EXPECT_EQ(cutter.size(), 0U);
  return blocks;
}

/// The same, however the text comes.
Texts blocks_of(std::string_view text, const BlockRules& rules) {
  const Texts blocks = blocks_of(text, rules, 1000);
  for (const std::size_t part : {1U, 2U, 3U, 7U}) EXPECT_EQ(blocks_of(text, rules, part), blocks) << part;
  return blocks;
}

TEST(BlockCutterTest, ABlockHasAsManyRecordsAsFit) {
  EXPECT_EQ(blocks_of("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", {.bytes = 5}),
            (Texts{"1\n2\n", "3\n4\n", "5\n6\n", "7\n8\n", "9\n10\n"}));
  EXPECT_EQ(blocks_of("1\n2\n", {.bytes = 4}), (Texts{"1\n2\n"}));
}

TEST(BlockCutterTest, ARecordThatIsLongerThanABlockIsOne) {
  EXPECT_EQ(blocks_of("a\nlonger\nb\nc", {.bytes = 4}), (Texts{"a\n", "longer\n", "b\nc"}));
}

TEST(BlockCutterTest, TheLastRecordNeedsNoEnd) {
  EXPECT_EQ(blocks_of("a", {.bytes = 4}), (Texts{"a"}));
  EXPECT_EQ(blocks_of("too long", {.bytes = 4}), (Texts{"too long"}));
  EXPECT_EQ(blocks_of("", {.bytes = 4}), (Texts{}));
}

TEST(BlockCutterTest, RecordsMayBeginInsteadOfEnd) {
  const BlockRules rules{.bytes = 6, .record_end = "", .record_start = ">"};
  EXPECT_EQ(blocks_of(">a\n1\n>b\n2\n>c\n3\n", rules), (Texts{">a\n1\n", ">b\n2\n", ">c\n3\n"}));
  EXPECT_EQ(blocks_of("x>a>b", {.bytes = 100, .record_end = "", .record_start = ">"}), (Texts{"x>a>b"}));
}

TEST(BlockCutterTest, EndAndStartCanBeNeededBoth) {
  const BlockRules rules{.bytes = 8, .record_end = "\n", .record_start = ">"};
  EXPECT_EQ(blocks_of(">a\n>b\n1\n2\n>c\n", rules), (Texts{">a\n", ">b\n1\n2\n", ">c\n"}));
}

TEST(BlockCutterTest, WithoutRecordsBlocksEndAnywhere) {
  EXPECT_EQ(blocks_of("abcdefghij", {.bytes = 4, .record_end = ""}), (Texts{"abcd", "efgh", "ij"}));
}

TEST(BlockCutterTest, RecordsAreCounted) {
  EXPECT_EQ(blocks_of("1\n2\n3\n4\n5", {.bytes = 1, .records = 2}), (Texts{"1\n2\n", "3\n4\n", "5"}));
  EXPECT_EQ(blocks_of("\n\n\n", {.records = 2}), (Texts{"\n\n", "\n"}));
  EXPECT_EQ(blocks_of(">a>b>c", {.record_end = "", .record_start = ">", .records = 2}), (Texts{">a>b", ">c"}));
  EXPECT_EQ(blocks_of(">>>", {.record_end = "", .record_start = ">", .records = 1}), (Texts{">", ">", ">"}));
}

TEST(BlockCutterTest, NothingIsLostOfRandomBytes) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same in each run
  for (int round = 0; round < 300; ++round) {
    std::string text(random() % 60, ' ');
    for (char& byte : text) byte = "ab\n\0>"[random() % 5];
    const BlockRules rules{.bytes = 1 + random() % 9,
                           .record_end = Texts{"\n", "", "ab", std::string(1, '\0')}[random() % 4],
                           .record_start = Texts{"", ">", "a>"}[random() % 3],
                           .records = random() % 3};
    std::string joined;
    for (const std::string& block : blocks_of(text, rules)) joined += block;
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace prong::cli
