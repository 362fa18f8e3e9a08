#include "cli/output/spool.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "prong/error.h"

namespace prong::cli {
namespace {

class Screen final : public Sink {
 public:
  void write(std::string_view text) override { shown += text; }
  void write_error(std::string_view text) override { shown.append("<").append(text).append(">"); }
  std::string shown;
};

std::string replayed(Recording& recording) {
  Screen screen;
  recording.replay(screen);
  return screen.shown;
}

TEST(SpoolTest, GivesBackInOrderWhatItGot) {
  Spool spool;
  Recording recording(spool);
  recording.write("a");
  recording.write("b");
  recording.write_error("c");
  recording.write("d");
  EXPECT_EQ(replayed(recording), "ab<c>d");
  EXPECT_EQ(replayed(recording), "");
}

TEST(SpoolTest, WhatIsTooMuchForMemoryLiesInAFile) {
  Spool spool(10);
  Recording first(spool);
  Recording second(spool);
  for (const char* text : {"1234567", "abcd", "efgh"}) {
    first.write(text);
    second.write_error(text);
  }
  first.write("xy");
  EXPECT_EQ(spool.in_memory(), 9u);
  EXPECT_EQ(spool.in_file(), 23u);
  EXPECT_EQ(replayed(second), "<1234567><abcd><efgh>");
  EXPECT_EQ(replayed(first), "1234567abcdefghxy");
  EXPECT_EQ(spool.in_memory() + spool.in_file(), 0u);
}

TEST(SpoolTest, MoreThanOnePieceComesBackWhole) {
  Spool spool(0);
  Recording recording(spool);
  std::string text;
  for (int number = 0; text.size() < 1'000'000; ++number) text += std::to_string(number);
  recording.write(text);
  EXPECT_TRUE(replayed(recording) == text);
}

TEST(SpoolTest, ForgottenRecordingsTakeNoRoom) {
  Spool spool(1);
  {
    Recording recording(spool);
    recording.write("abc");
  }
  EXPECT_EQ(spool.in_file(), 0u);
}

TEST(SpoolTest, AFolderThatDoesNotExistIsTold) {
  ::setenv("TMPDIR", "/nonexistent", 1);
  Spool spool(0);
  Recording recording(spool);
  EXPECT_THROW(recording.write("abc"), SystemError);
  ::unsetenv("TMPDIR");
}

}  // namespace
}  // namespace prong::cli
