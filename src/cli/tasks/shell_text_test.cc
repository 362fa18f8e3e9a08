#include "cli/tasks/shell_text.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

TEST(ShellTextTest, SafeWordsStayBare) {
  EXPECT_EQ(shell_quote("a-b_c.d/e:1,2"), "a-b_c.d/e:1,2");
  EXPECT_EQ(shell_quote("--x=1"), "--x=1");
}

TEST(ShellTextTest, OtherWordsAreQuoted) {
  EXPECT_EQ(shell_quote(""), "''");
  EXPECT_EQ(shell_quote("a b"), "'a b'");
  EXPECT_EQ(shell_quote("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_quote("ünï"), "'ünï'");
}

TEST(ShellTextTest, ControlCharactersKeepTheTextOnOneLine) {
  EXPECT_EQ(shell_quote("a\nb\t'\\\x1b"), "$'a\\nb\\t\\'\\\\\\033'");
}

TEST(ShellTextTest, JoinedWordsCanBeTakenApart) {
  EXPECT_EQ(shell_join({"echo", "a b", "c"}), "echo 'a b' c");
}

TEST(ShellTextTest, PlainLinesNeedNoShell) {
  EXPECT_FALSE(needs_shell("gzip -9 file"));
  EXPECT_FALSE(needs_shell("  env A=1 program "));
  EXPECT_EQ(split_at_blanks("  gzip \t -9  file "), (std::vector<std::string>{"gzip", "-9", "file"}));
}

TEST(ShellTextTest, ShellSyntaxAndShellWordsNeedAShell) {
  for (const char* line : {"a | b", "a > b", "a; b", "a && b", "echo $A", "echo `a`", "ls *", "echo 'a'", "echo \"a\"",
                           "a\\ b", "A=1 b", "cd x", "exit 3", "if", "~/bin/x", "! a", "a\nb", "# a", ""})
    EXPECT_TRUE(needs_shell(line)) << line;
}

Quoting after(std::string_view text) {
  QuotingTracker tracker;
  tracker.advance(text);
  return tracker.quoting();
}

TEST(ShellTextTest, TrackerKnowsTheQuotesAroundAPlace) {
  EXPECT_EQ(after("echo "), Quoting::kNone);
  EXPECT_EQ(after("echo \""), Quoting::kDouble);
  EXPECT_EQ(after("echo '"), Quoting::kSingle);
  EXPECT_EQ(after("echo 'a' "), Quoting::kNone);
  EXPECT_EQ(after("echo \"it's "), Quoting::kDouble);
  EXPECT_EQ(after("echo '\""), Quoting::kSingle);
  EXPECT_EQ(after("echo \\' "), Quoting::kNone);
  EXPECT_EQ(after("echo '\\' "), Quoting::kNone);
  EXPECT_EQ(after("echo \"\\\" "), Quoting::kDouble);
}

TEST(ShellTextTest, TrackerKnowsSubstitutions) {
  EXPECT_EQ(after("echo \"$(basename "), Quoting::kNone);
  EXPECT_EQ(after("echo \"$(basename \""), Quoting::kDouble);
  EXPECT_EQ(after("echo \"$(basename x) "), Quoting::kDouble);
  EXPECT_EQ(after("echo \"$(a (b) c) "), Quoting::kDouble);
  EXPECT_EQ(after("echo \"`basename "), Quoting::kNone);
  EXPECT_EQ(after("echo \"`basename x` "), Quoting::kDouble);
  EXPECT_EQ(after("(cd x; echo \""), Quoting::kDouble);
}

}  // namespace
}  // namespace prong::cli
