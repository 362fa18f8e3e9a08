#include "os/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <sstream>
#include <string>

#include "os/check.h"
#include "os/process_tree.h"
#include "support/eventually.h"
#include "support/leak_check.h"

namespace prong::os {
namespace {

std::pair<Fd, Fd> make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC), "create a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

std::string read_to_end(const Fd& fd) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto size = retry([&] { return ::read(fd.get(), piece.data(), piece.size()); });
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

ExecRequest shell(const std::string& script) {
  ExecRequest request;
  request.arguments = {"sh", "-c", script};
  request.environment = current_environment();
  return request;
}

/// With and without the kernel's permission to share memory with a child.
class SpawnTest : public testing::TestWithParam<bool> {
 protected:
  SpawnTest() { refuse_clone_for_test(GetParam()); }
  ~SpawnTest() override { refuse_clone_for_test(false); }

  int status_of(const ExecRequest& request) {
    ExecFailure failure;
    const pid_t pid = spawn(request, failure);
    EXPECT_GT(pid, 0) << failure.stage << " " << failure.error;
    return reap(pid);
  }

  std::string output_of(ExecRequest request) {
    auto [reader, writer] = make_pipe();
    request.fds.emplace_back(1, writer.get());
    ExecFailure failure;
    const pid_t pid = spawn(request, failure);
    writer.reset();
    EXPECT_GT(pid, 0) << failure.stage << " " << failure.error;
    std::string text = read_to_end(reader);
    reap(pid);
    return text;
  }

  test::LeakCheck leaks_;
};

INSTANTIATE_TEST_SUITE_P(Ways, SpawnTest, testing::Values(false, true),
                         [](const auto& instance) { return instance.param ? "CloneRefused" : "Clone"; });

TEST_P(SpawnTest, FindsTheProgramInThePathOfTheGivenEnvironment) {
  ExecRequest request = shell("exit 7");
  EXPECT_EQ(WEXITSTATUS(status_of(request)), 7);
  request.environment = {"PATH=/nonexistent"};
  ExecFailure failure;
  EXPECT_EQ(spawn(request, failure), -1);
  EXPECT_STREQ(failure.stage, "exec");
  EXPECT_EQ(failure.error, ENOENT);
}

TEST_P(SpawnTest, GivesDirectoryAndEnvironment) {
  ExecRequest request = shell("pwd; echo $ANSWER; echo $HOME");
  request.directory = "/usr";
  request.environment = {"PATH=/usr/bin:/bin", "ANSWER=42"};
  EXPECT_EQ(output_of(request), "/usr\n42\n\n");
}

TEST_P(SpawnTest, ExecutableWinsOverTheName) {
  ExecRequest request;
  request.arguments = {"another-name", "-c", "echo $0"};
  request.executable = "/bin/sh";
  request.environment = current_environment();
  EXPECT_EQ(output_of(request), "another-name\n");
}

TEST_P(SpawnTest, MovesDescriptorsThatCollide) {
  auto [first_reader, first_writer] = make_pipe();
  auto [second_reader, second_writer] = make_pipe();
  ExecRequest request = shell("eval \"echo a >&" + std::to_string(second_writer.get()) + "; echo b >&" +
                              std::to_string(first_writer.get()) + "\"");
  // Each takes the other's number.
  request.fds = {{second_writer.get(), first_writer.get()}, {first_writer.get(), second_writer.get()}};
  EXPECT_EQ(status_of(request), 0);
  first_writer.reset();
  second_writer.reset();
  EXPECT_EQ(read_to_end(first_reader), "a\n");
  EXPECT_EQ(read_to_end(second_reader), "b\n");
}

TEST_P(SpawnTest, KeepsADescriptorInItsPlace) {
  auto [reader, writer] = make_pipe();
  ExecRequest request = shell("eval \"echo here >&" + std::to_string(writer.get()) + "\"");
  request.fds = {{writer.get(), writer.get()}};
  EXPECT_EQ(status_of(request), 0);
  writer.reset();
  EXPECT_EQ(read_to_end(reader), "here\n");
}

TEST_P(SpawnTest, ClosesAllOtherDescriptors) {
  const Fd inheritable(::open("/dev/null", O_RDONLY));
  ASSERT_GE(inheritable.get(), 3);
  const std::string open = output_of(shell("ls /proc/self/fd"));
  EXPECT_EQ(open, "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_P(SpawnTest, ChildHasDefaultDispositionsAndAnEmptyMask) {
  sigset_t some;
  sigset_t before;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  sigaddset(&some, SIGCHLD);
  ::pthread_sigmask(SIG_BLOCK, &some, &before);
  const auto old_int = ::signal(SIGINT, SIG_IGN);
  const auto old_pipe = ::signal(SIGPIPE, SIG_IGN);
  const std::string state = output_of(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"));
  ::signal(SIGINT, old_int);
  ::signal(SIGPIPE, old_pipe);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(state, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_P(SpawnTest, LeavesTheCallersMaskAlone) {
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  status_of(shell("true"));
  sigset_t after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int number = 1; number < NSIG; ++number) EXPECT_EQ(sigismember(&before, number), sigismember(&after, number));
}

TEST_P(SpawnTest, NewGroupAndNewSession) {
  ExecRequest request = shell("ps -o pid=,pgid=,sid= -p $$");
  request.new_group = true;
  const auto numbers = [&] {
    std::istringstream text(output_of(request));
    std::array<int, 3> values{};
    text >> values[0] >> values[1] >> values[2];
    return values;
  };
  auto [pid, group, session] = numbers();
  EXPECT_EQ(pid, group);
  EXPECT_NE(pid, session);
  request.new_group = false;
  request.new_session = true;
  const auto again = numbers();
  EXPECT_EQ(again[0], again[2]);
}

TEST_P(SpawnTest, FailuresNameTheirStage) {
  const auto failure_of = [](const ExecRequest& request) {
    ExecFailure failure;
    EXPECT_EQ(spawn(request, failure), -1);
    return std::pair<std::string, int>(failure.stage ? failure.stage : "none", failure.error);
  };
  ExecRequest request = shell("true");
  request.directory = "/nonexistent";
  EXPECT_EQ(failure_of(request), std::make_pair(std::string("chdir"), ENOENT));
  request = shell("true");
  request.fds = {{5, 9999}};
  EXPECT_EQ(failure_of(request), std::make_pair(std::string("dup2"), EBADF));
  request = shell("true");
  request.arguments[0] = "no-such-program-anywhere";
  EXPECT_EQ(failure_of(request), std::make_pair(std::string("exec"), ENOENT));
  request.arguments[0] = "/etc/passwd";
  EXPECT_EQ(failure_of(request), std::make_pair(std::string("exec"), EACCES));
  request.arguments[0] = "/etc/passwd/below";
  EXPECT_EQ(failure_of(request), std::make_pair(std::string("exec"), ENOTDIR));
}

TEST_P(SpawnTest, DiesWithItsParent) {
  auto [reader, writer] = make_pipe();
  const pid_t parent = ::fork();
  if (parent == 0) {
    ExecRequest request = shell("echo $$; exec sleep 1000");
    request.fds = {{1, writer.get()}};
    request.die_with_parent = true;
    ExecFailure failure;
    spawn(request, failure);
    for (;;) ::pause();
  }
  writer.reset();
  std::array<char, 32> line{};
  ASSERT_GT(::read(reader.get(), line.data(), line.size() - 1), 0);
  const pid_t grandchild = std::atoi(line.data());
  EXPECT_NE(start_time_of(grandchild), 0U);
  ::kill(parent, SIGKILL);
  reap(parent);
  EXPECT_TRUE(test::eventually([&] { return start_time_of(grandchild) == 0; }));
}

std::atomic<int> child_signals = 0;

TEST_P(SpawnTest, DetachedIsNoChildAndGivesNoSignal) {
  child_signals = 0;
  const auto before = ::signal(SIGCHLD, [](int) { ++child_signals; });
  auto [reader, writer] = make_pipe();
  ExecRequest request = shell("echo $$; cat");  // until we close its input
  auto [input_reader, input_writer] = make_pipe();
  request.fds = {{0, input_reader.get()}, {1, writer.get()}};
  ExecFailure failure;
  const pid_t pid = spawn_detached(request, failure);
  writer.reset();
  input_reader.reset();
  ASSERT_GT(pid, 0) << failure.stage << " " << failure.error;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
  input_writer.reset();
  EXPECT_EQ(read_to_end(reader), std::to_string(pid) + "\n");
  EXPECT_TRUE(test::eventually([&] { return start_time_of(pid) == 0; }));
  ::signal(SIGCHLD, before);
  EXPECT_EQ(child_signals, GetParam() ? 1 : 0);  // a plain fork of the middle process gives one
}

TEST_P(SpawnTest, DetachedFailuresNameTheirStage) {
  ExecRequest request = shell("true");
  request.arguments[0] = "/nonexistent";
  ExecFailure failure;
  EXPECT_EQ(spawn_detached(request, failure), -1);
  EXPECT_STREQ(failure.stage, "exec");
  EXPECT_EQ(failure.error, ENOENT);
}

TEST_P(SpawnTest, PidfdIsReadableWhenTheProcessHasEnded) {
  auto [reader, writer] = make_pipe();
  ExecRequest request = shell("cat");
  request.fds = {{0, reader.get()}};
  ExecFailure failure;
  const pid_t pid = spawn(request, failure);
  const Fd pidfd = open_pidfd(pid);
  ASSERT_TRUE(pidfd);
  pollfd entry = {pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&entry, 1, 0), 0);
  writer.reset();
  EXPECT_EQ(::poll(&entry, 1, 20'000), 1);
  reap(pid);
}

TEST(FindProgramTest, SearchesThePathOfTheEnvironment) {
  EXPECT_EQ(find_program("sh", {"PATH=/nonexistent:/bin"}), "/bin/sh");
  EXPECT_EQ(find_program("sh", {"PATH=/nonexistent"}), "");
  EXPECT_EQ(find_program("passwd", {"PATH=/etc"}), "");  // may not be executed
  EXPECT_EQ(find_program("/bin/sh", {}), "/bin/sh");
}

}  // namespace
}  // namespace prong::os
