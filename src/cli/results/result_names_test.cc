#include "cli/results/result_names.h"

#include <gtest/gtest.h>

#include <set>

namespace prong::cli {
namespace {

TEST(ResultNameTest, SpecialBytesAreEscaped) {
  EXPECT_EQ(result_name("plain name.txt", 1), "plain name.txt");
  EXPECT_EQ(result_name("a/b", 1), "a\\_b");
  EXPECT_EQ(result_name("a\\b", 1), "a\\\\b");
  EXPECT_EQ(result_name("a\tb", 1), "a\\tb");
  EXPECT_EQ(result_name(std::string_view("a\0b", 3), 1), "a\\0b");
  EXPECT_EQ(result_name("", 1), "\\e");
  EXPECT_EQ(result_name(".", 1), "\\.");
  EXPECT_EQ(result_name("..", 1), "\\..");
  EXPECT_EQ(result_name("...", 1), "...");
  EXPECT_EQ(result_name("../..", 1), "..\\_..");
}

TEST(ResultNameTest, IsAlwaysOnePartOfAPathThatFits) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::size_t size : {1u, 2u, 199u, 200u, 201u, 5000u}) {
      const std::string name = result_name(std::string(size, static_cast<char>(byte)), 18446744073709551615u);
      EXPECT_LE(name.size(), 255u);
      EXPECT_EQ(name.find('/'), std::string::npos);
      EXPECT_EQ(name.find('\0'), std::string::npos);
      EXPECT_TRUE(name != "" && name != "." && name != "..") << byte;
    }
  }
}

TEST(ResultNameTest, ALongValueIsCutBetweenCharacters) {
  const std::string begin(199, 'a');
  const std::string end(100, 'b');
  const std::string cut = begin + "\\#7";
  EXPECT_EQ(result_name(begin + "\xC3\xBC" + end, 7), cut);
  EXPECT_EQ(result_name(begin + "/" + end, 7), cut);
}

std::vector<std::string> path(ResultPaths& paths, Values values, std::uint64_t number) {
  return paths.path_of({.values = std::move(values), .number = number});
}

TEST(ResultPathsTest, HaveTheNumbersOrNamesOfTheColumns) {
  ResultPaths numbered({});
  EXPECT_EQ(path(numbered, {"a", "b"}, 1), (std::vector<std::string>{"1", "a", "2", "b"}));
  ResultPaths named({"x", "stdout"});
  EXPECT_EQ(path(named, {"a", "b", "c"}, 1), (std::vector<std::string>{"x", "a", "\\stdout", "b", "3", "c"}));
}

TEST(ResultPathsTest, NoTwoAreTheSame) {
  ResultPaths paths({});
  std::set<std::vector<std::string>> all;
  std::uint64_t number = 0;
  const std::string long_one(5000, 'x');
  for (const std::string& value : {std::string("a"), std::string("a"), std::string(""), std::string("\\e"),
                                   std::string("a/"), std::string("a_"), long_one, long_one + "y", std::string("..")})
    EXPECT_TRUE(all.insert(path(paths, {value}, ++number)).second) << value;
  EXPECT_TRUE(all.insert(path(paths, Values(50, std::string(150, 'x')), ++number)).second);
  EXPECT_TRUE(all.insert(path(paths, Values(50, std::string(150, 'x')), ++number)).second);
  EXPECT_TRUE(all.insert(path(paths, {}, ++number)).second);
}

}  // namespace
}  // namespace prong::cli
