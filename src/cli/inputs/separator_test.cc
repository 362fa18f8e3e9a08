#include "cli/inputs/separator.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

// What is found, in brackets.
std::string marked(std::string_view expression, std::string text) {
  const std::optional<Span> found = Separator(expression).find(text);
  if (!found) return text;
  return text.insert(found->end, "]").insert(found->begin, "[");
}

TEST(SeparatorTest, PlainTextIsFoundAsItIs) {
  EXPECT_EQ(marked(",", "a,b,c"), "a[,]b,c");
  EXPECT_EQ(marked(", ", "a,b, c"), "a,b[, ]c");
  EXPECT_EQ(marked(",", "abc"), "abc");
  EXPECT_EQ(marked("\\t", "a\tb"), "a[\t]b");
}

TEST(SeparatorTest, ExpressionsAreMatchedAsLongAsPossible) {
  EXPECT_EQ(marked(" +", "a   b"), "a[   ]b");
  EXPECT_EQ(marked("[,;]", "a;b,c"), "a[;]b,c");
  EXPECT_EQ(marked("\\|", "a|b"), "a[|]b");
  EXPECT_EQ(marked("\\\\t", "a\\tb"), "a[\\t]b");
  EXPECT_EQ(marked(" *,\t*", "a ,\tb"), "a[ ,\t]b");
}

TEST(SeparatorTest, NothingIsNoSeparator) {
  EXPECT_EQ(marked("x*", "abxxc"), "ab[xx]c");
  EXPECT_EQ(marked("x*", "abc"), "abc");
  EXPECT_EQ(marked("x*", ""), "");
}

TEST(SeparatorTest, NulBytesAreTextLikeOthers) {
  EXPECT_EQ(marked("[,]", std::string("a\0b,c", 5)), std::string("a\0b[,]c", 7));
}

// Matchers that backtrack take a stack of that depth, or for ever.
TEST(SeparatorTest, LongLinesAndNestedRepetitionsAreNoTrouble) {
  EXPECT_EQ(Separator("(a|b|x)+").find(std::string(2'000'000, 'x')), (Span{0, 2'000'000}));
  EXPECT_EQ(Separator("(a+)+!$").find(std::string(200, 'a')), std::nullopt);
}

TEST(SeparatorTest, WrongExpressionsAreRefused) {
  EXPECT_THROW(Separator(""), UsageError);
  EXPECT_THROW(Separator("("), UsageError);
  EXPECT_THROW(Separator("[a"), UsageError);
}

}  // namespace
}  // namespace prong::cli
