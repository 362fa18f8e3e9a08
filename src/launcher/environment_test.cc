#include "launcher/environment.h"

#include <gtest/gtest.h>

namespace prong::launcher {
namespace {

using Environment = std::vector<std::string>;

TEST(EnvironmentTest, SetsAndReplaces) {
  Environment environment = {"A=1", "AB=2"};
  EXPECT_EQ(set_variable(environment, "A", "3"), 0U);
  EXPECT_EQ(set_variable(environment, "C", "x=y"), 2U);
  EXPECT_EQ(environment, (Environment{"A=3", "AB=2", "C=x=y"}));
}

TEST(EnvironmentTest, AppliesChangesInOrder) {
  Environment environment = {"A=1", "AB=2", "B="};
  apply_changes(environment, {"A", "B", "C=1", "C=2", "D="});
  EXPECT_EQ(environment, (Environment{"AB=2", "C=2", "D="}));
}

TEST(EnvironmentTest, RemovingWhatIsNotThereChangesNothing) {
  Environment environment = {"A=1"};
  apply_changes(environment, {"B", ""});
  EXPECT_EQ(environment, (Environment{"A=1"}));
}

}  // namespace
}  // namespace prong::launcher
