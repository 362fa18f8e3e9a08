// Command workers, with the test as their coordinator.
#include "launcher/command_worker.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "prong/command.h"
#include "support/launcher_rig.h"
#include "support/leak_check.h"

namespace prong::launcher {
namespace {

using Kind = MessageKind;
using ipc::RequestKind;
using ipc::ResultKind;

Command shell(const std::string& script) {
  Command command;
  command.arguments = {"sh", "-c", script};
  return command;
}

class CommandWorkerTest : public testing::Test {
 protected:
  CommandWorkerTest() {
    worker_ = rig_.start(kWorker, StartHow::kCommand);
    worker_->give_outputs();
    pid_ = rig_.expect(Kind::kWorkerStarted, kWorker).pid;
  }

  void push(const Command& command, std::uint64_t job = 1, std::uint32_t attempt = 1) {
    const Payload payload = encode(command);
    worker_->push(RequestKind::kRun, payload.bytes(), job, attempt);
  }
  /// With so many bytes of input.
  void push_in_block(Command command, std::size_t input_size) {
    command.input = std::string(input_size, 'z');
    const Payload encoded = encode(command);
    const ByteSpan parts[] = {encoded.bytes()};
    const Payload payload = Payload::gather(parts);
    const std::uint16_t lease = 7;
    ASSERT_EQ(ipc::send_request_blocks(worker_->control.get(), 3, std::span(&payload, 1), std::span(&lease, 1)),
              os::SendResult::kSent);
    ipc::Request request;
    request.block = 3;
    request.block_size = payload.size();
    ASSERT_TRUE(worker_->channel.try_push(request));
    worker_->channel.wake_worker();
  }
  ipc::Result run(const Command& command) {
    push(command);
    return worker_->result();
  }
  /// Standard output of a command that is expected to end well.
  std::string output_of(const Command& command) {
    const ipc::Result result = run(command);
    EXPECT_EQ(result.kind, ResultKind::kExited) << result.bytes;
    EXPECT_EQ(result.code, 0);
    EXPECT_FALSE(result.outputs_spent);
    return result.bytes;
  }

  static constexpr std::uint64_t kWorker = 5;
  test::LeakCheck leaks_;
  test::LauncherRig rig_;
  std::unique_ptr<test::WorkerEnd> worker_;
  pid_t pid_ = 0;
};

TEST_F(CommandWorkerTest, EveryExitCode) {
  for (int code = 0; code < 256; ++code) {
    const ipc::Result result = run(shell("exit " + std::to_string(code)));
    EXPECT_EQ(result.kind, ResultKind::kExited);
    EXPECT_EQ(result.code, code);
  }
}

TEST_F(CommandWorkerTest, EverySignalThatEndsAProcess) {
  for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGINT, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1}) {
    const ipc::Result result = run(shell("kill -" + std::to_string(signal) + " $$"));
    EXPECT_EQ(result.kind, ResultKind::kSignalled);
    EXPECT_EQ(result.code, signal);
  }
}

TEST_F(CommandWorkerTest, SmallOutputsComeWithTheResult) {
  const ipc::Result first = run(shell("echo out; echo error >&2"));
  EXPECT_EQ(first.bytes, "out\nerror\n");
  EXPECT_EQ(first.output_end, 4U);
  EXPECT_EQ(first.error_output_end, 6U);
  EXPECT_FALSE(first.outputs_spent);
  const ipc::Result second = run(shell("echo more"));
  EXPECT_EQ(second.bytes, "more\n");
  EXPECT_EQ(second.error_output_end, 0U);
}

TEST_F(CommandWorkerTest, OpeningStandardOutputAnewHarmsNoOtherCommand) {
  EXPECT_EQ(output_of(shell("echo a much longer first line")), "a much longer first line\n");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(output_of(shell("echo b > /dev/stdout")), "b\n");
    EXPECT_EQ(output_of(shell("echo c | tee /dev/stderr")), "c\nc\n");
    EXPECT_EQ(output_of(shell("echo d > /dev/stdout; echo e")), "d\ne\n");
  }
}

TEST_F(CommandWorkerTest, ProcessesOfOneCommandWriteOneAfterTheOther) {
  EXPECT_EQ(output_of(shell("(echo a; echo b) ; sh -c 'echo c'; echo d")), "a\nb\nc\nd\n");
}

TEST_F(CommandWorkerTest, ErrorOutputCanJoinTheOutput) {
  Command command = shell("echo a; echo b >&2; echo c");
  command.error_output = Capture::kMerge;
  EXPECT_EQ(output_of(command), "a\nb\nc\n");
}

TEST_F(CommandWorkerTest, DiscardedOutputIsNowhere) {
  Command command = shell("echo a; echo b >&2");
  command.output = Capture::kDiscard;
  const ipc::Result result = run(command);
  EXPECT_EQ(result.output_end, 0U);
  EXPECT_EQ(result.bytes, "b\n");
}

TEST_F(CommandWorkerTest, BigOutputStaysInTheFilesAndSpendsThem) {
  for (const std::uint64_t size : {64ULL * 1024 + 1, 20ULL * 1024 * 1024}) {
    const ipc::Result result = run(shell("head -c " + std::to_string(size) + " /dev/zero | tr '\\0' x"));
    EXPECT_EQ(result.output_end, size);
    EXPECT_TRUE(result.outputs_spent);
    EXPECT_TRUE(worker_->output(0, 0, size) == std::string(size, 'x'));
    worker_->give_outputs();
  }
  EXPECT_EQ(output_of(shell("echo again")), "again\n");
  EXPECT_TRUE(output_of(shell("head -c 65536 /dev/zero")) == std::string(65536, '\0'));
}

TEST_F(CommandWorkerTest, WithoutInputThereIsNone) {
  EXPECT_EQ(output_of(shell("cat; echo end")), "end\n");
}

TEST_F(CommandWorkerTest, InputIsGiven) {
  Command command = shell("cat");
  command.input = "some\ninput";
  EXPECT_EQ(output_of(command), "some\ninput");
  command.input = std::string(50'000, 'y');
  EXPECT_TRUE(output_of(command) == command.input);
  command.input = "";
  EXPECT_EQ(output_of(command), "");
}

TEST_F(CommandWorkerTest, ACommandInABlockIsRun) {
  ASSERT_NO_FATAL_FAILURE(push_in_block(shell("wc -c"), 3'000'000));
  const ipc::Result result = worker_->result();
  EXPECT_EQ(result.bytes, "3000000\n");
  EXPECT_TRUE(test::eventually([&] { return worker_->channel.state_of_block(7, 3) != ipc::BlockState::kLent; }));
}

TEST_F(CommandWorkerTest, EnvironmentIsInheritedWithJobAndAttempt) {
  push(shell("echo $PRONG_JOB $PRONG_ATTEMPT $PRONG_WORKER $PRONG_TEST_TAG"), 12, 3);
  const ipc::Result result = worker_->result();
  EXPECT_EQ(result.bytes, "12 3 5 " + rig_.tag().substr(rig_.tag().find('=') + 1) + "\n");
}

TEST_F(CommandWorkerTest, AWholeEnvironmentIsTakenAsItIs) {
  Command command;
  command.arguments = {"env"};
  command.environment = {"PATH=/usr/bin:/bin", "ONLY=this", "PRONG_JOB=forged"};
  EXPECT_EQ(output_of(command), "PATH=/usr/bin:/bin\nONLY=this\nPRONG_JOB=1\nPRONG_WORKER=5\nPRONG_ATTEMPT=1\n");
  EXPECT_NE(output_of(shell("echo $PRONG_TEST_TAG")), "\n");  // the next one inherits again
}

TEST_F(CommandWorkerTest, DirectoryIsChanged) {
  Command command = shell("pwd");
  command.directory = "/usr";
  EXPECT_EQ(output_of(command), "/usr\n");
  EXPECT_NE(output_of(shell("pwd")), "/usr\n");
}

TEST_F(CommandWorkerTest, CommandsThatCannotStartSayWhy) {
  const auto why = [&](const Command& command) {
    const ipc::Result result = run(command);
    EXPECT_EQ(result.kind, ResultKind::kNotStarted);
    return std::pair(result.code, result.bytes);
  };
  Command command;
  command.arguments = {"no-such-program-anywhere"};
  EXPECT_EQ(why(command), std::pair(ENOENT, std::string("run 'no-such-program-anywhere' (not found in PATH)")));
  command.arguments = {"/nonexistent/program"};
  EXPECT_EQ(why(command), std::pair(ENOENT, std::string("run '/nonexistent/program'")));
  command.arguments = {"/etc/passwd"};
  EXPECT_EQ(why(command), std::pair(EACCES, std::string("run '/etc/passwd'")));
  command = shell("true");
  command.directory = "/nonexistent";
  EXPECT_EQ(why(command), std::pair(ENOENT, std::string("change to directory '/nonexistent'")));
  EXPECT_EQ(output_of(shell("echo fine")), "fine\n");
}

TEST_F(CommandWorkerTest, AScriptWithoutItsInterpreterSaysSo) {
  std::string folder = testing::TempDir() + "prong-command-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/script") << "#!/nonexistent/interpreter\n";
  ::chmod((folder + "/script").c_str(), 0755);
  Command command;
  command.arguments = {"script"};
  command.environment = {"PATH=" + folder};
  EXPECT_EQ(run(command).bytes, "run '" + folder + "/script' (its interpreter was not found)");
  std::filesystem::remove_all(folder);
}

TEST_F(CommandWorkerTest, AProgramThatMovedIsFoundAgain) {
  std::string folder = testing::TempDir() + "prong-command-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  rig_.stop(kWorker);
  rig_.expect(Kind::kWorkerGone, kWorker);
  std::filesystem::create_directory(folder + "/first");
  std::filesystem::create_directory(folder + "/second");
  const auto put = [&](const std::string& where) {
    std::ofstream(folder + where) << "#!/bin/sh\necho " << where << "\n";
    ::chmod((folder + where).c_str(), 0755);
  };
  put("/second/moving-program");
  // The launcher's own PATH is what is cached: have a shell put the folders in front and be the launcher's program.
  Command command;
  command.arguments = {"moving-program"};
  command.environment = os::current_environment();
  for (std::string& entry : *command.environment) {
    if (entry.starts_with("PATH=")) entry = "PATH=" + folder + "/first:" + folder + "/second";
  }
  worker_ = rig_.start(kWorker + 1, StartHow::kCommand);
  worker_->give_outputs();
  EXPECT_EQ(output_of(command), "/second/moving-program\n");
  put("/first/moving-program");
  EXPECT_EQ(output_of(command), "/first/moving-program\n");
  std::filesystem::remove_all(folder);
}

TEST_F(CommandWorkerTest, NonsenseIsNotStarted) {
  worker_->push(RequestKind::kRun, as_bytes("nonsense"));
  const ipc::Result result = worker_->result();
  EXPECT_EQ(result.kind, ResultKind::kNotStarted);
  EXPECT_EQ(result.code, EINVAL);
  EXPECT_EQ(output_of(shell("echo fine")), "fine\n");
}

TEST_F(CommandWorkerTest, LeftoversSpendTheOutputs) {
  const ipc::Result result = run(shell("setsid sleep 1000 & echo started"));
  EXPECT_EQ(result.kind, ResultKind::kExited);
  EXPECT_TRUE(result.outputs_spent);
  worker_->give_outputs();
  // The same leftover does not spend the next command's.
  EXPECT_EQ(output_of(shell("echo next")), "next\n");
  EXPECT_FALSE(run(shell("echo next")).outputs_spent);
  EXPECT_TRUE(run(shell("(sleep 1000 &)")).outputs_spent);
}

TEST_F(CommandWorkerTest, CpuTimeIsThatOfTheCommandAndWhatItHasWaitedFor) {
  const std::string loop = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; ";
  const ipc::Result own = run(shell(loop + "times"));
  const ipc::Result waited = run(shell("sh -c '" + loop + "'; :"));
  const ipc::Result idle = run(shell("sleep 0.01"));
  EXPECT_GT(own.cpu_ns, 0);
  // The loop is most of what each of the two did; it cannot be hidden in a child.
  EXPECT_GT(waited.cpu_ns, own.cpu_ns / 10);
  EXPECT_LT(idle.cpu_ns, own.cpu_ns);
}

TEST_F(CommandWorkerTest, PeakMemoryIsThatOfTheLargestProcessOfTheCommand) {
  constexpr std::int64_t kLarge = 64 << 20;
  EXPECT_GE(run(shell("dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null; :")).peak_memory, kLarge);
  EXPECT_LT(run(shell("exec true")).peak_memory, kLarge / 2);  // not that of the one before
}

TEST_F(CommandWorkerTest, PeakMemoryIsNotThatOfItsInput) {
  constexpr std::int64_t kLarge = 64 << 20;
  ASSERT_NO_FATAL_FAILURE(push_in_block(shell("true"), kLarge));
  EXPECT_LT(worker_->result().peak_memory, kLarge / 2);
  EXPECT_LT(run(shell("exec true")).peak_memory, kLarge / 2);
}

TEST_F(CommandWorkerTest, OfACommandThatCouldNotBeginNothingIsKnown) {
  Command command;
  command.arguments = {"nosuch"};
  const ipc::Result result = run(command);
  EXPECT_EQ(result.cpu_ns, -1);
  EXPECT_EQ(result.peak_memory, -1);
}

TEST_F(CommandWorkerTest, OrphansThatEndAreReaped) {
  const auto run_quietly = [&](const std::string& script) {
    Command command = shell(script);
    command.output = command.error_output = Capture::kDiscard;
    const ipc::Result result = run(command);
    EXPECT_EQ(result.code, 0);
    EXPECT_FALSE(result.outputs_spent);
  };
  for (int i = 0; i < 20; ++i) run_quietly("(sh -c 'exit 3' &) ; (sh -c 'exit 4' &) ; exit 0");
  ASSERT_TRUE(test::eventually([&] {
    run_quietly("true");
    return os::children_of(pid_).empty();
  }));
}

TEST_F(CommandWorkerTest, CommandsHaveDefaultSignalDispositionsAndNoStrayDescriptors) {
  EXPECT_EQ(output_of(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd")),
            "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n1\n2\n3\n");  // 3: the folder that ls reads
}

TEST_F(CommandWorkerTest, ACommandThatSignalsItsGroupDoesNotEndTheWorker) {
  for (const char* signal : {"TERM", "INT", "HUP", "QUIT", "USR1"}) {
    const ipc::Result result = run(shell(std::string("kill -") + signal + " 0; sleep 1000"));
    EXPECT_EQ(result.kind, ResultKind::kSignalled) << signal;
  }
  EXPECT_EQ(output_of(shell("echo alive")), "alive\n");
  EXPECT_EQ(rig_.unexpected(), 0U);
}

TEST_F(CommandWorkerTest, ACommandHasItsGraceAndCanAnswer) {
  push(shell("trap 'echo cleaned up; exit 9' TERM; sleep 1000 & wait"));
  ASSERT_TRUE(test::eventually([&] { return os::descendants_of(pid_).size() == 2; }));
  rig_.stop(kWorker, 1'000'000'000'000);
  const ipc::Result result = worker_->result();
  EXPECT_EQ(result.code, 9);
  // The sleep may be there still, and then the output stays in its file.
  EXPECT_EQ(result.outputs_spent ? worker_->output(0, 0, result.output_end) : result.bytes, "cleaned up\n");
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kWorker).status), SIGTERM);
}

TEST_F(CommandWorkerTest, AnIdleWorkerEndsBySigterm) {
  rig_.stop(kWorker, 1'000'000'000'000);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kWorker).status), SIGTERM);
}

TEST_F(CommandWorkerTest, ACommandThatIgnoresSigtermIsKilledAndItsOutputIsThere) {
  push(shell("trap '' TERM; echo begun; while :; do sleep 1000; done"));
  ASSERT_TRUE(test::eventually([&] { return os::descendants_of(pid_).size() == 2; }));
  rig_.stop(kWorker, 20'000'000);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kWorker).status), SIGKILL);
  EXPECT_EQ(worker_->output(0, 0, os::file_size(worker_->outputs[0].get())), "begun\n");
}

TEST_F(CommandWorkerTest, ARunningCommandDiesWithTheLauncher) {
  push(shell("exec sleep 1000"));
  ASSERT_TRUE(test::eventually([&] { return os::descendants_of(pid_).size() == 1; }));
  ::kill(rig_.pid(), SIGKILL);
  EXPECT_TRUE(rig_.ended());
  EXPECT_TRUE(test::eventually([&] { return rig_.survivors().empty(); }));
}

TEST_F(CommandWorkerTest, OutputsAreAppendedToFiles) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("prong-test-" + std::to_string(pid_));
  std::filesystem::create_directory(folder);
  Command command = shell("echo out; echo error >&2");
  command.output = command.error_output = Capture::kFile;
  command.output_file = folder / "out";
  command.error_output_file = folder / "error";
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_EQ(output_of(command), "");
  const auto content = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(content(command.output_file), "out\nout\n");
  EXPECT_EQ(content(command.error_output_file), "error\nerror\n");
  command.error_output = Capture::kMerge;
  command.output_file = folder / "both";
  EXPECT_EQ(output_of(command), "");
  EXPECT_EQ(content(command.output_file), "out\nerror\n");
  command.output_file = folder / "none" / "out";
  const ipc::Result refused = run(command);
  EXPECT_EQ(refused.kind, ResultKind::kNotStarted);
  EXPECT_EQ(refused.code, ENOENT);
  EXPECT_EQ(output_of(shell("echo kept")), "kept\n");
  std::filesystem::remove_all(folder);
}

TEST_F(CommandWorkerTest, FinishEndsTheWorker) {
  worker_->push(RequestKind::kFinish, {});
  EXPECT_EQ(worker_->result().kind, ResultKind::kReturned);
  EXPECT_EQ(rig_.expect(Kind::kWorkerGone, kWorker).status, 0);
}

TEST_F(CommandWorkerTest, TimesAreInOrder) {
  const std::int64_t before = os::monotonic_now();
  const ipc::Result result = run(shell("true"));
  EXPECT_LE(before, result.started_ns);
  EXPECT_LE(result.started_ns, result.ended_ns);
  EXPECT_LE(result.ended_ns, os::monotonic_now());
}

}  // namespace
}  // namespace prong::launcher
