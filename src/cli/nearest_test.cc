#include "cli/nearest.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

const std::vector<std::string> kNames = {"timeout", "dry-run", "keep-order", "tag", "run", "map"};

TEST(NearestTest, FindsBeginningsAndMistypedNames) {
  EXPECT_EQ(nearest("time", kNames), "timeout");
  EXPECT_EQ(nearest("dry", kNames), "dry-run");
  EXPECT_EQ(nearest("tiemout", kNames), "timeout");
  EXPECT_EQ(nearest("keep_order", kNames), "keep-order");
  EXPECT_EQ(nearest("rnu", kNames), "run");
  EXPECT_EQ(nearest("runn", kNames), "run");
}

TEST(NearestTest, FindsNothingForOtherWords) {
  EXPECT_EQ(nearest("gzip", kNames), std::nullopt);
  EXPECT_EQ(nearest("", kNames), std::nullopt);
  EXPECT_EQ(nearest("x", kNames), std::nullopt);
}

}  // namespace
}  // namespace prong::cli
