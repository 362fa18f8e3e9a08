#include "cli/system/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "prong/error.h"
#include "support/eventually.h"
#include "support/temporary.h"

namespace prong::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    fs::create_directory(folder_);
    server_.emplace(folder_, "one.sock", [this] { ++woken_; });
  }

  /// Answers the next request with what it was.
  void answer_one() {
    std::vector<ControlServer::Request> requests;
    ASSERT_TRUE(test::eventually([&] { return !(requests = server_->take()).empty(); }));
    for (const auto& request : requests) server_->answer(request.client, {{"got", request.text}});
  }

  Descriptor connected() const {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (folder_ + "/one.sock").c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }

  test::TemporaryFolder temporary_;
  std::string folder_ = temporary_.new_path();
  std::atomic<int> woken_ = 0;
  std::optional<ControlServer> server_;
};

TEST_F(ControlSocketTest, ARequestIsAnswered) {
  for (int i = 0; i < 3; ++i) {
    std::thread answerer([&] { answer_one(); });
    EXPECT_EQ(ask(folder_, "one.sock", {{"number", i}}), (json{{"got", {{"number", i}}}}));
    answerer.join();
    EXPECT_EQ(woken_, i + 1);
  }
}

TEST_F(ControlSocketTest, AnEndWithoutAnAnswerIsTold) {
  std::thread ender([&] {
    EXPECT_TRUE(test::eventually([&] { return !server_->take().empty(); }));
    server_.reset();
  });
  EXPECT_THROW(ask(folder_, "one.sock", "?"), SystemError);
  ender.join();
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ControlSocketTest, AnswersThatWereGivenAreSentBeforeTheEnd) {
  std::thread ender([&] {
    answer_one();
    server_.reset();
  });
  EXPECT_EQ(ask(folder_, "one.sock", "?"), (json{{"got", "?"}}));
  ender.join();
}

TEST_F(ControlSocketTest, WhatIsNoJsonIsHandedOnAsSuch) {
  const Descriptor socket = connected();
  ASSERT_EQ(::write(socket.get(), "{]\n", 3), 3);
  std::vector<ControlServer::Request> requests;
  ASSERT_TRUE(test::eventually([&] { return !(requests = server_->take()).empty(); }));
  EXPECT_TRUE(requests.front().text.is_discarded());
}

TEST_F(ControlSocketTest, WhatIsNestedDeeplyIsLeftOut) {
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}\n";
  const Descriptor socket = connected();
  ASSERT_EQ(::write(socket.get(), deep.data(), deep.size()), static_cast<ssize_t>(deep.size()));
  std::vector<ControlServer::Request> requests;
  ASSERT_TRUE(test::eventually([&] { return !(requests = server_->take()).empty(); }));
  EXPECT_LT(requests.front().text.dump().size(), 100U);
}

TEST_F(ControlSocketTest, WhoAsksNoMoreGetsItsAnswer) {
  const Descriptor socket = connected();
  ASSERT_EQ(::write(socket.get(), "1\n", 2), 2);
  ASSERT_EQ(::shutdown(socket.get(), SHUT_WR), 0);
  answer_one();
  std::array<char, 100> answer{};
  EXPECT_GT(::recv(socket.get(), answer.data(), answer.size(), 0), 0);
  EXPECT_EQ(::recv(socket.get(), answer.data(), answer.size(), 0), 0) << "then the connection ends";
}

TEST_F(ControlSocketTest, WhoWaitsForNothingMakesRoomForOthers) {
  constexpr int kMany = 600;
  std::vector<Descriptor> idle;
  for (int i = 0; i < kMany; ++i) idle.push_back(connected());
  std::thread answerer([&] { answer_one(); });
  EXPECT_EQ(ask(folder_, "one.sock", 1), (json{{"got", 1}}));
  answerer.join();
}

TEST_F(ControlSocketTest, ATooLongLineEndsTheConnection) {
  EXPECT_THROW(ask(folder_, "one.sock", std::string(3 << 20, 'x')), SystemError);
  std::thread answerer([&] { answer_one(); });
  EXPECT_EQ(ask(folder_, "one.sock", 1), (json{{"got", 1}})) << "others are served";
  answerer.join();
}

TEST_F(ControlSocketTest, SocketsThatWereLeftBehindAreRemoved) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder_ + "/dead.sock").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);
  std::ofstream(folder_ + "/else").put('x');
  EXPECT_EQ(living_runs(folder_), (std::vector<std::string>{"one"}));
  EXPECT_FALSE(fs::exists(folder_ + "/dead.sock"));
  EXPECT_TRUE(fs::exists(folder_ + "/else")) << "what is no socket of ours is not touched";
}

TEST_F(ControlSocketTest, AConnectionServesOneRequestAfterTheOther) {
  ControlConnection connection(folder_, "one.sock");
  for (int i = 0; i < 3; ++i) {
    std::thread answerer([&] { answer_one(); });
    EXPECT_EQ(connection.ask(std::to_string(i), std::nullopt), (json{{"got", i}}));
    answerer.join();
  }
}

TEST_F(ControlSocketTest, WhoHasGoneAwayIsNotThere) {
  std::uint64_t client = 0;
  {
    std::thread answerer([&] {
      std::vector<ControlServer::Request> requests;
      EXPECT_TRUE(test::eventually([&] { return !(requests = server_->take()).empty(); }));
      client = requests.front().client;
      EXPECT_TRUE(server_->is_there(client));
      server_->answer(client, 1);
    });
    ask(folder_, "one.sock", 1);
    answerer.join();
  }
  EXPECT_TRUE(test::eventually([&] { return !server_->is_there(client); }));
}

TEST_F(ControlSocketTest, SocketsOfQueuesStay) {
  server_.emplace(folder_, socket_of_queue("q"), [] {});
  EXPECT_EQ(living_runs(folder_), std::vector<std::string>());
  EXPECT_TRUE(fs::exists(folder_ + "/q.queue"));
}

TEST_F(ControlSocketTest, NobodyIsThere) {
  EXPECT_THROW(ask(folder_, "two.sock", 1), SystemError);
}

class ControlFolderTest : public testing::Test {
 protected:
  ControlFolderTest() {
    fs::create_directory(runtime_);
    ::setenv("XDG_RUNTIME_DIR", runtime_.c_str(), 1);
  }
  ~ControlFolderTest() override { ::unsetenv("XDG_RUNTIME_DIR"); }

  test::TemporaryFolder temporary_;
  std::string runtime_ = temporary_.new_path();
  std::string expected_ = runtime_ + "/prong";
};

TEST_F(ControlFolderTest, IsMadeForItsOwnerAlone) {
  EXPECT_EQ(control_folder(), expected_);
  struct stat status {};
  ASSERT_EQ(::stat(expected_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
  EXPECT_EQ(control_folder(), expected_);
}

TEST_F(ControlFolderTest, IsNotUsedIfOthersCanEnterIt) {
  fs::create_directory(expected_);
  fs::permissions(expected_, fs::perms(0755));
  EXPECT_THROW(control_folder(), UsageError);
}

TEST_F(ControlFolderTest, IsNoLinkAndNoFile) {
  fs::create_directory(runtime_ + "/elsewhere");
  fs::permissions(runtime_ + "/elsewhere", fs::perms(0700));
  fs::create_directory_symlink(runtime_ + "/elsewhere", expected_);
  EXPECT_THROW(control_folder(), UsageError);
  fs::remove(expected_);
  std::ofstream(expected_).put('x');
  EXPECT_THROW(control_folder(), UsageError);
}

}  // namespace
}  // namespace prong::cli
