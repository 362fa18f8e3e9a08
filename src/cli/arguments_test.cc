#include "cli/arguments.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

using Words = std::vector<std::string>;

TEST(ArgumentsTest, InputsStandAfterTheSeparator) {
  const Arguments arguments = split_arguments({"echo", "-n", ":::", "a", "-b"});
  EXPECT_EQ(arguments.command, (Words{"echo", "-n"}));
  EXPECT_EQ(arguments.inputs, (Words{"a", "-b"}));
}

TEST(ArgumentsTest, NoInputsDifferFromNoSeparator) {
  EXPECT_EQ(split_arguments({"echo", ":::"}).inputs, Words{});
  EXPECT_EQ(split_arguments({"echo"}).inputs, std::nullopt);
}

TEST(ArgumentsTest, InputsAloneAreFine) {
  EXPECT_TRUE(split_arguments({":::", "a b"}).command.empty());
  EXPECT_TRUE(split_arguments({}).command.empty());
}

TEST(ArgumentsTest, WhatIsNotSupportedIsRefused) {
  EXPECT_THROW(split_arguments({"echo", ":::", "a", ":::", "b"}), UsageError);
  EXPECT_THROW(split_arguments({"echo", "::::", "file"}), UsageError);
  EXPECT_THROW(split_arguments({"echo", ":::", "a", ":::+", "b"}), UsageError);
}

}  // namespace
}  // namespace prong::cli
