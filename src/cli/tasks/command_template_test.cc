#include "cli/tasks/command_template.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

using Words = std::vector<std::string>;

Words made(const Words& words, const std::string& input, bool with_shell = false) {
  return make_command_template(words, {.with_shell = with_shell})->arguments({.values = {input}, .number = 3});
}

std::string described(const Words& words, const std::string& input, bool with_shell = false) {
  return make_command_template(words, {.with_shell = with_shell})->describe({.values = {input}, .number = 3});
}

TEST(CommandTemplateTest, WordsStayWords) {
  EXPECT_EQ(made({"cp", "{}", "to/{/}"}, "a b/c d"), (Words{"cp", "a b/c d", "to/c d"}));
  EXPECT_EQ(made({"echo", "x;y", "$HOME", "|", "{}"}, "i"), (Words{"echo", "x;y", "$HOME", "|", "i"}));
}

TEST(CommandTemplateTest, InputIsAppendedWithoutReplacementString) {
  EXPECT_EQ(made({"wc", "-c"}, "a b"), (Words{"wc", "-c", "a b"}));
  EXPECT_EQ(made({"echo {x}"}, "i").back(), "i");
  EXPECT_EQ(made({"echo", "{#}"}, "i"), (Words{"echo", "3"}));
}

TEST(CommandTemplateTest, LengthIsThatOfAllWordsWithTheirEnds) {
  const CommandForm form{.repeats_words = true};
  EXPECT_EQ(command_length({"echo", "x{}y"}, form, {})({}), sizeof "echo");
  EXPECT_EQ(command_length({"echo", "x{}y"}, form, {})({"a", "bc"}), sizeof "echo" + sizeof "xay" + sizeof "xbcy");
  EXPECT_GE(
      command_length({"cat {} | wc -c"}, form, {})({"a", "bc"}),
      sizeof "/bin/sh" + sizeof "-c" + sizeof "cat \"${1}\" \"${2}\" | wc -c" + sizeof "sh" + sizeof "a" + sizeof "bc");
}

TEST(CommandTemplateTest, PlainLineRunsWithoutShell) {
  EXPECT_EQ(made({"gzip -9 {}"}, "a b"), (Words{"gzip", "-9", "a b"}));
  EXPECT_EQ(made({"true"}, "x"), (Words{"true", "x"}));
}

TEST(CommandTemplateTest, ShellLineGetsInputsAsParameters) {
  EXPECT_EQ(made({"cat {} | wc -c"}, "$(reboot)"), (Words{"/bin/sh", "-c", "cat \"${1}\" | wc -c", "sh", "$(reboot)"}));
  EXPECT_EQ(made({"echo \"<{}>\" '{/}'; echo {#}"}, "a/b"),
            (Words{"/bin/sh", "-c", "echo \"<${1}>\" ''\"${2}\"''; echo \"${3}\"", "sh", "a/b", "b", "3"}));
  EXPECT_EQ(made({"cd /; echo"}, "x"), (Words{"/bin/sh", "-c", "cd /; echo \"${1}\"", "sh", "x"}));
}

TEST(CommandTemplateTest, ShellOptionJoinsTheWords) {
  EXPECT_EQ(made({"echo", "{}", "|", "cat"}, "a b", true),
            (Words{"/bin/sh", "-c", "echo \"${1}\" | cat", "sh", "a b"}));
  EXPECT_EQ(made({"echo", "{}"}, "a b", true), (Words{"echo", "a b"}));
}

TEST(CommandTemplateTest, InputsAreCommandsWithoutAnyWord) {
  EXPECT_EQ(made({}, "gzip -9 a"), (Words{"gzip", "-9", "a"}));
  EXPECT_EQ(made({}, "a | b"), (Words{"/bin/sh", "-c", "a | b"}));
  EXPECT_EQ(made({}, ""), (Words{"/bin/sh", "-c", ""}));
}

TEST(CommandTemplateTest, ExistingProgramWithBlanksIsNotALine) {
  EXPECT_EQ(made({"/bin/sh"}, "x"), (Words{"/bin/sh", "x"}));
}

Words made_of(const Words& words, const Values& values, CommandForm form = {}, const ReplacementNames& names = {}) {
  return make_command_template(words, form, names)->arguments({.values = values, .number = 3});
}

TEST(CommandTemplateTest, SeveralValuesAreWordsOfTheirOwn) {
  EXPECT_EQ(made_of({"cp", "{1}", "to/{2}"}, {"a", "b c"}), (Words{"cp", "a", "to/b c"}));
  EXPECT_EQ(made_of({"echo"}, {"a", "b c"}), (Words{"echo", "a", "b c"}));
  EXPECT_EQ(made_of({"echo", "x{}y"}, {"a", "b", "c"}), (Words{"echo", "xa", "b", "cy"}));
  EXPECT_EQ(made_of({"echo {} >&2"}, {"a", "b c"}),
            (Words{"/bin/sh", "-c", "echo \"${1}\" \"${2}\" >&2", "sh", "a", "b c"}));
  EXPECT_EQ(made_of({"echo '<{}>'; x"}, {"a", "b"}),
            (Words{"/bin/sh", "-c", "echo '<'\"${1}\"' '\"${2}\"'>'; x", "sh", "a", "b"}));
}

TEST(CommandTemplateTest, WordsAreRepeatedForEachValue) {
  EXPECT_EQ(made_of({"gcc", "-c", "-I{}", "{#}"}, {"a", "b"}, {.repeats_words = true}),
            (Words{"gcc", "-c", "-Ia", "-Ib", "3", "3"}));
}

TEST(CommandTemplateTest, ColumnsAndTheReplacementStringHaveOtherNames) {
  EXPECT_EQ(made_of({"echo", "{size}", "@", "{}"}, {"a", "b"}, {}, {.input = "@", .columns = {"name", "size"}}),
            (Words{"echo", "b", "a", "b", "{}"}));
}

TEST(CommandTemplateTest, DescriptionIsWhatAShellWouldRun) {
  EXPECT_EQ(described({"cp", "{}", "d"}, "a b"), "cp 'a b' d");
  EXPECT_EQ(described({"cat {} | wc"}, "a b"), "cat 'a b' | wc");
  EXPECT_EQ(described({"echo \"<{}>\" '<{}>' \"{/}\"; x"}, "a b/c"), "echo \"<\"'a b/c'\">\" '<''a b/c''>' \"c\"; x");
  EXPECT_EQ(described({}, "a | b"), "a | b");
}

}  // namespace
}  // namespace prong::cli
