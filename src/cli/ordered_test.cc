#include "cli/ordered.h"

#include <gtest/gtest.h>

#include <string>

namespace prong::cli {
namespace {

class OrderedTest : public testing::Test {
 protected:
  void add(Ordered<char>& ordered, std::uint64_t number, char thing) {
    ordered.add(number, thing, [this](char handed) { order_ += handed; });
  }
  std::string order_;
};

TEST_F(OrderedTest, HandsOnInOrderOfNumbers) {
  Ordered<char> ordered(true);
  add(ordered, 2, 'b');
  add(ordered, 3, 'c');
  EXPECT_EQ(order_, "");
  EXPECT_EQ(ordered.held(), 2u);
  add(ordered, 1, 'a');
  EXPECT_EQ(order_, "abc");
  add(ordered, 4, 'd');
  EXPECT_EQ(order_, "abcd");
  EXPECT_EQ(ordered.held(), 0u);
}

TEST_F(OrderedTest, HandsOnAtOnceWithoutOrder) {
  Ordered<char> ordered(false);
  add(ordered, 2, 'b');
  add(ordered, 1, 'a');
  EXPECT_EQ(order_, "ba");
}

}  // namespace
}  // namespace prong::cli
