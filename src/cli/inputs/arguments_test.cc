#include "cli/inputs/arguments.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

using Words = std::vector<std::string>;

using Sources = std::vector<SourceWords>;

TEST(ArgumentsTest, InputsStandAfterTheSeparator) {
  const Arguments arguments = split_arguments({"echo", "-n", ":::", "a", "-b"});
  EXPECT_EQ(arguments.command, (Words{"echo", "-n"}));
  EXPECT_EQ(arguments.sources, (Sources{{.words = {"a", "-b"}}}));
}

TEST(ArgumentsTest, NoInputsDifferFromNoSeparator) {
  EXPECT_EQ(split_arguments({"echo", ":::"}).sources, Sources{{}});
  EXPECT_EQ(split_arguments({"echo"}).sources, Sources{});
}

TEST(ArgumentsTest, InputsAloneAreFine) {
  EXPECT_TRUE(split_arguments({":::", "a b"}).command.empty());
  EXPECT_TRUE(split_arguments({}).command.empty());
}

TEST(ArgumentsTest, EachSeparatorBeginsASource) {
  EXPECT_EQ(split_arguments({"x", ":::", "a", "::::", "f", "g", ":::+", "b", "::::+", "h"}).sources,
            (Sources{{.words = {"a"}},
                     {.are_files = true, .words = {"f", "g"}},
                     {.linked = true, .words = {"b"}},
                     {.are_files = true, .linked = true, .words = {"h"}}}));
}

TEST(ArgumentsTest, LinkWithNothingIsRefused) {
  EXPECT_THROW(split_arguments({"echo", ":::+", "b"}), UsageError);
  EXPECT_THROW(split_arguments({"echo", "::::+", "b"}), UsageError);
}

}  // namespace
}  // namespace prong::cli
