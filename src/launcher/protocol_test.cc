#include "launcher/protocol.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "support/leak_check.h"

namespace prong::launcher {
namespace {

class ProtocolTest : public testing::Test {
 protected:
  ProtocolTest() { std::tie(near_, far_) = os::socket_pair(); }

  test::LeakCheck leaks_;
  os::Fd near_;
  os::Fd far_;
  Message message_;
  std::vector<os::Fd> fds_;
};

TEST_F(ProtocolTest, AMessageArrivesWholeWithItsDescriptors) {
  Message sent{.kind = MessageKind::kStartWorker, .worker = 7, .pid = 4};
  sent.steps = {{{15, 3}, {2, 1}}};
  sent.how = StartHow::kExec;
  std::strcpy(sent.stage, "exec");
  const std::array<int, 3> fds = {0, 1, 2};
  EXPECT_TRUE(send(near_.get(), sent, fds));
  ASSERT_EQ(receive(far_.get(), message_, fds_), Received::kMessage);
  EXPECT_EQ(std::memcmp(&sent, &message_, sizeof sent), 0);
  EXPECT_EQ(fds_.size(), 3U);
}

TEST_F(ProtocolTest, NothingAndClosedAreTold) {
  EXPECT_EQ(receive(far_.get(), message_, fds_), Received::kNothing);
  near_.reset();
  EXPECT_EQ(receive(far_.get(), message_, fds_), Received::kClosed);
  EXPECT_FALSE(send(far_.get(), message_));
}

TEST_F(ProtocolTest, AnotherMagicOrSizeCountsAsClosed) {
  Message wrong;
  wrong.magic = 1;
  EXPECT_TRUE(send(near_.get(), wrong));
  EXPECT_EQ(receive(far_.get(), message_, fds_), Received::kClosed);
  EXPECT_EQ(::write(near_.get(), "short", 5), 5);
  EXPECT_EQ(receive(far_.get(), message_, fds_), Received::kClosed);
  const std::array<char, sizeof(Message) + 1> longer = {'1', 'N', 'R', 'P'};
  EXPECT_EQ(::write(near_.get(), longer.data(), longer.size()), static_cast<ssize_t>(longer.size()));
  EXPECT_EQ(receive(far_.get(), message_, fds_), Received::kClosed);
}

TEST_F(ProtocolTest, AStageIsAlwaysTerminated) {
  Message sent;
  std::memset(sent.stage, 'x', sizeof sent.stage);
  EXPECT_TRUE(send(near_.get(), sent));
  ASSERT_EQ(receive(far_.get(), message_, fds_), Received::kMessage);
  EXPECT_EQ(std::strlen(message_.stage), sizeof message_.stage - 1);
}

TEST_F(ProtocolTest, AFullSocketIsWaitedOut) {
  while (os::send_message(near_.get(), std::as_bytes(std::span(&message_, 1))) == os::SendResult::kSent) {
  }
  std::thread reader([&] {
    Message taken;
    std::vector<os::Fd> fds;
    while (receive(far_.get(), taken, fds) == Received::kMessage) {
    }
  });
  EXPECT_TRUE(send(near_.get(), message_));
  reader.join();
}

TEST(ProtocolArgumentsTest, ArgvThereAndBack) {
  const LauncherArguments arguments{3, 4, 1234, 5, 5678, true, 91, 6, {3, 17}};
  std::vector<std::string> words = to_argv("/path", arguments);
  EXPECT_EQ(words[0], "/path");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  const LauncherArguments back = from_argv(static_cast<int>(argv.size()), argv.data());
  EXPECT_EQ(back.socket, 3);
  EXPECT_EQ(back.program_pidfd, 4);
  EXPECT_EQ(back.program_pid, 1234);
  EXPECT_EQ(back.template_socket, 5);
  EXPECT_EQ(back.template_pid, 5678);
  EXPECT_TRUE(back.has_guard);
  EXPECT_EQ(back.guarded_pid, 91);
  EXPECT_EQ(back.nursery_program, 6);
  EXPECT_EQ(back.command_fds, (std::vector{3, 17}));
}

TEST(ProtocolArgumentsTest, NonsenseReadsAsNothing) {
  std::array<std::string, 3> words = {"/path", "--help", "4x"};
  std::array<char*, 3> argv = {words[0].data(), words[1].data(), words[2].data()};
  const LauncherArguments arguments = from_argv(3, argv.data());
  EXPECT_EQ(arguments.socket, -1);
  EXPECT_EQ(arguments.program_pidfd, -1);
  EXPECT_EQ(arguments.template_pid, 0);
}

TEST(ProtocolProgramTest, ProgramThereAndBack) {
  const Program program{{"/usr/bin/python3", "-c", "pass"}, {"A=1", "B"}};
  const std::string bytes = encode_program(program);
  const auto back = decode_program(as_bytes(bytes));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->arguments, program.arguments);
  EXPECT_EQ(back->environment, program.environment);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_program(as_bytes(std::string_view(bytes).substr(0, length)))) << length;
  }
  EXPECT_FALSE(decode_program(as_bytes(encode_program({}))));
}

}  // namespace
}  // namespace prong::launcher
