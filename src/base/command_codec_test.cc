#include <gtest/gtest.h>

#include "prong/command.h"
#include "prong/error.h"

namespace prong {
namespace {

Command full() {
  Command command;
  command.arguments = {"printf", "%s", "two words", ""};
  command.directory = "/tmp";
  command.environment = {{"A=1", "B="}};
  command.number = 7;
  command.input = std::string("in\0put", 6);
  command.output = Capture::kDiscard;
  command.error_output = Capture::kMerge;
  command.output_file = "/tmp/out";
  command.error_output_file = "err";
  return command;
}

TEST(CommandCodecTest, EverythingComesBack) {
  const Command back = decode_command(encode(full()).bytes());
  EXPECT_EQ(back.arguments, full().arguments);
  EXPECT_EQ(back.directory, "/tmp");
  EXPECT_EQ(back.environment, full().environment);
  EXPECT_EQ(back.number, 7U);
  EXPECT_EQ(back.input, full().input);
  EXPECT_EQ(back.output, Capture::kDiscard);
  EXPECT_EQ(back.error_output, Capture::kMerge);
  EXPECT_EQ(back.output_file, "/tmp/out");
  EXPECT_EQ(back.error_output_file, "err");
}

TEST(CommandCodecTest, UnsetDiffersFromEmpty) {
  Command command{.arguments = {"true"}};
  EXPECT_FALSE(decode_command(encode(command).bytes()).input);
  EXPECT_FALSE(decode_command(encode(command).bytes()).environment);
  command.input = "";
  command.environment.emplace();
  EXPECT_EQ(decode_command(encode(command).bytes()).input, "");
  EXPECT_EQ(decode_command(encode(command).bytes()).environment, std::vector<std::string>{});
}

TEST(CommandCodecTest, CommandsWithoutNumberAreOfTheVersionBefore) {
  std::string bytes(encode(full()).text());
  ASSERT_EQ(bytes.front(), '\3');
  bytes.front() = '\2';
  bytes.erase(sizeof(std::uint32_t), sizeof(std::uint64_t));
  const Command back = decode_command(as_bytes(bytes));
  EXPECT_EQ(back.number, 0U);
  EXPECT_EQ(back.arguments, full().arguments);
}

TEST(CommandCodecTest, EveryTruncationIsRefused) {
  const Payload payload = encode(full());
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_THROW(decode_command(payload.bytes().first(size)), UsageError) << size;
}

TEST(CommandCodecTest, ForeignBytesAreRefused) {
  EXPECT_THROW(decode_command(as_bytes("something else entirely")), UsageError);
  EXPECT_THROW(decode_command(as_bytes(std::string(encode(full()).text()) + "x")), UsageError);
}

TEST(CommandCodecTest, ImpossibleCommandsAreRefusedAtOnce) {
  EXPECT_THROW(encode(Command{}), UsageError);
  EXPECT_THROW(encode(Command{.arguments = {""}}), UsageError);
  EXPECT_THROW(encode(Command{.arguments = {"echo", std::string("a\0b", 3)}}), UsageError);
  EXPECT_THROW(encode(Command{.arguments = {"echo"}, .output = Capture::kFile}), UsageError);
  EXPECT_THROW(encode(Command{.arguments = {"echo"}, .error_output = Capture::kFile}), UsageError);
}

}  // namespace
}  // namespace prong
