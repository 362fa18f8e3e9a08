#include "cli/tasks/template_string.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

std::string expand(std::string_view text, std::string input) {
  return TemplateString(text).expand({.values = {std::move(input)}, .number = 7}).front();
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

TEST(TemplateStringTest, PositionsStandForSingleValues) {
  const Input input{.values = {"a/b.c", "d", "e.f"}, .number = 7};
  const auto expand = [&](std::string_view text) { return TemplateString(text).expand(input); };
  EXPECT_EQ(expand("{2}-{1/.}-{-1.}-{#}"), (Values{"d-b-e-7"}));
  EXPECT_EQ(expand("{1//}{-3/}"), (Values{"ab.c"}));
  EXPECT_EQ(expand("<{4}{-4}>"), (Values{"<>"}));
  EXPECT_EQ(expand("{0}{1x}{+}"), (Values{"{0}{1x}{+}"}));
  EXPECT_EQ(expand("<{.}>"), (Values{"<a/b", "d", "e>"}));
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
