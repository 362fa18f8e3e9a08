#include "cli/output/display.h"

#include <gtest/gtest.h>

#include <string>

namespace prong::cli {
namespace {

class Screen final : public Sink {
 public:
  void write(std::string_view text) override { shown += text; }
  void write_error(std::string_view text) override { shown.append("<").append(text).append(">"); }
  std::string shown;
};

class DisplayTest : public testing::Test {
 protected:
  static void add(Display& display, std::uint64_t number, const std::string& text) {
    display.of(number).write(text);
    display.end(number);
  }
  Screen screen_;
};

TEST_F(DisplayTest, ShowsInOrderOfNumbers) {
  Display display(true, screen_);
  add(display, 2, "b");
  add(display, 3, "c");
  EXPECT_EQ(screen_.shown, "");
  EXPECT_EQ(display.held(), 2u);
  add(display, 1, "a");
  EXPECT_EQ(screen_.shown, "abc");
  add(display, 4, "d");
  EXPECT_EQ(screen_.shown, "abcd");
  EXPECT_EQ(display.held(), 0u);
}

TEST_F(DisplayTest, ShowsAtOnceWithoutOrder) {
  Display display(false, screen_);
  add(display, 2, "b");
  add(display, 1, "a");
  EXPECT_EQ(screen_.shown, "ba");
}

TEST_F(DisplayTest, WhoseTurnItIsWritesToTheScreen) {
  Display display(true, screen_);
  display.of(2).write("b1");
  display.of(2).write_error("b2");
  display.of(1).write("a1");
  EXPECT_EQ(screen_.shown, "a1");
  display.end(1);
  EXPECT_EQ(screen_.shown, "a1b1<b2>");
  display.of(2).write("b3");
  EXPECT_EQ(screen_.shown, "a1b1<b2>b3");
}

TEST_F(DisplayTest, OneThatWroteNothingHoldsUpNobody) {
  Display display(true, screen_);
  display.end(2);
  add(display, 3, "c");
  display.end(1);
  EXPECT_EQ(screen_.shown, "c");
}

}  // namespace
}  // namespace prong::cli
