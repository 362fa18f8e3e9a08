#include "cli/output/line_buffer.h"

#include <gtest/gtest.h>

#include <vector>

namespace prong::cli {
namespace {

std::vector<std::string> lines_of(std::string_view text, std::size_t chunk, char delimiter = '\n') {
  LineBuffer buffer(delimiter);
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size(); at += chunk) {
    buffer.append(text.substr(at, chunk));
    while (buffer.take(line)) lines.push_back(line);
  }
  if (buffer.take_rest(line)) lines.push_back(line);
  EXPECT_EQ(buffer.size(), 0u);
  return lines;
}

TEST(LineBufferTest, CutsTheSameHoweverTheBytesCome) {
  const std::vector<std::string> expected = {"one", "", "two three", "last"};
  for (std::size_t chunk = 1; chunk < 25; ++chunk) EXPECT_EQ(lines_of("one\n\ntwo three\nlast", chunk), expected);
}

TEST(LineBufferTest, NothingFollowsTheLastDelimiter) {
  EXPECT_EQ(lines_of("a\n", 10), (std::vector<std::string>{"a"}));
  EXPECT_TRUE(lines_of("", 1).empty());
}

TEST(LineBufferTest, AnyDelimiterWillDo) {
  EXPECT_EQ(lines_of(std::string_view("a\nb\0c", 5), 2, '\0'), (std::vector<std::string>{"a\nb", "c"}));
}

TEST(LineBufferTest, KnowsWhetherALineIsComplete) {
  LineBuffer buffer('\n');
  buffer.append("ab");
  EXPECT_FALSE(buffer.has_line());
  buffer.append("c\nd");
  EXPECT_TRUE(buffer.has_line());
  std::string line;
  ASSERT_TRUE(buffer.take(line));
  EXPECT_EQ(line, "abc");
  EXPECT_FALSE(buffer.has_line());
  EXPECT_EQ(buffer.size(), 1u);
}

}  // namespace
}  // namespace prong::cli
