#include "cli/template_string.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

std::string expand(std::string_view text, std::string input) {
  return TemplateString(text).expand({.text = std::move(input), .number = 7});
}

std::string all(const std::string& input) {
  return expand("{.}|{/}|{//}|{/.}", input);
}

TEST(TemplateStringTest, EachReplacementStringHasItsValue) {
  EXPECT_EQ(expand("{}", "a/b.tar.gz"), "a/b.tar.gz");
  EXPECT_EQ(expand("{.}", "a/b.tar.gz"), "a/b.tar");
  EXPECT_EQ(expand("{/}", "a/b.tar.gz"), "b.tar.gz");
  EXPECT_EQ(expand("{//}", "a/b.tar.gz"), "a");
  EXPECT_EQ(expand("{/.}", "a/b.tar.gz"), "b.tar");
  EXPECT_EQ(expand("{#}", "a/b.tar.gz"), "7");
}

// The expected values are what GNU parallel 20221122 gives.
TEST(TemplateStringTest, UnusualPathsAreCutAsGnuParallelCutsThem) {
  EXPECT_EQ(all("/a/b.c/d.e.f"), "/a/b.c/d.e|d.e.f|/a/b.c|d.e");
  EXPECT_EQ(all("x"), "x|x|.|x");
  EXPECT_EQ(all(".h"), "|.h|.|");
  EXPECT_EQ(all("dir/.h"), "dir/|.h|dir|");
  EXPECT_EQ(all("a.b/c"), "a.b/c|c|a.b|c");
  EXPECT_EQ(all("/"), "/||/|");
  EXPECT_EQ(all("/x"), "/x|x|/|x");
  EXPECT_EQ(all(""), "||.|");
  EXPECT_EQ(all("a//b"), "a//b|b|a|b");
  EXPECT_EQ(all("a/b/"), "a/b/||a|");
  EXPECT_EQ(all("//"), "//||/|");
  EXPECT_EQ(all("//x"), "//x|x|/|x");
  EXPECT_EQ(all("x."), "x|x.|.|x");
}

TEST(TemplateStringTest, TextAroundStays) {
  EXPECT_EQ(expand("in-{}.out", "x"), "in-x.out");
  EXPECT_EQ(expand("{}{}", "x"), "xx");
  EXPECT_EQ(expand("plain", "x"), "plain");
  EXPECT_EQ(expand("", "x"), "");
}

TEST(TemplateStringTest, OtherBracesAreText) {
  EXPECT_EQ(expand("{ } {x} {{}} ${A} {", "i"), "{ } {x} {i} ${A} {");
}

TEST(TemplateStringTest, InputIsNotExpandedAgain) {
  EXPECT_EQ(expand("{}", "{#}"), "{#}");
}

TEST(TemplateStringTest, KnowsWhetherItHasReplacements) {
  EXPECT_TRUE(TemplateString("x{#}").has_replacements());
  EXPECT_FALSE(TemplateString("x{y}").has_replacements());
  EXPECT_FALSE(TemplateString("").has_replacements());
}

}  // namespace
}  // namespace prong::cli
