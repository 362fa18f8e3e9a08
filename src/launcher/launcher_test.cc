// The launcher as a process, with the test as its coordinator.
#include "launcher/launcher.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "os/process_tree.h"
#include "support/launcher_rig.h"
#include "support/leak_check.h"

namespace prong::launcher {
namespace {

using Kind = MessageKind;
constexpr std::int64_t kLongNs = 1'000'000'000'000;
// Numbers of workers: processes are found by them, so no other test that runs now may use the same.
const std::uint64_t kFirst = static_cast<std::uint64_t>(::getpid()) * 10;
const std::uint64_t kSecond = kFirst + 1;

std::size_t processes_of(std::uint64_t worker) {
  return test::processes_with("PRONG_WORKER=" + std::to_string(worker)).size();
}

Program fake_template(const std::string& script, const std::string& mode = "") {
  return {{PRONG_FAKE_TEMPLATE}, {"PRONG_FAKE_SCRIPT=" + script, "PRONG_FAKE_MODE=" + mode}};
}

class LauncherTest : public testing::Test {
 protected:
  test::LeakCheck leaks_;
  test::LauncherRig rig_;
};

/// Workers that run a script, started in both ways.
class ScriptWorkerTest : public LauncherTest, public testing::WithParamInterface<StartHow> {
 protected:
  void set_script(const std::string& script) {
    if (GetParam() == StartHow::kExec) return rig_.set_script(script);
    rig_.set_program(fake_template(script));
    rig_.order({.kind = Kind::kStartTemplate});
  }
  pid_t start(std::uint64_t id) {
    ends_.push_back(rig_.start(id, GetParam()));
    return rig_.expect(Kind::kWorkerStarted, id).pid;
  }

  std::vector<std::unique_ptr<test::WorkerEnd>> ends_;
};

INSTANTIATE_TEST_SUITE_P(Starts, ScriptWorkerTest, testing::Values(StartHow::kExec, StartHow::kTemplate),
                         [](const auto& instance) { return instance.param == StartHow::kExec ? "Exec" : "Template"; });

TEST_P(ScriptWorkerTest, ExitStatusIsReported) {
  set_script("exit 7");
  const pid_t pid = start(kFirst);
  const Message gone = rig_.expect(Kind::kWorkerGone, kFirst);
  EXPECT_EQ(gone.pid, pid);
  EXPECT_EQ(WEXITSTATUS(gone.status), 7);
  EXPECT_EQ(gone.unconfirmed, 0U);
  EXPECT_EQ(rig_.unexpected(), 0U);
}

TEST_P(ScriptWorkerTest, AKilledWorkerIsReportedWithTheSignal) {
  set_script("sleep 1000; :");
  const pid_t pid = start(kFirst);
  ::kill(pid, SIGUSR1);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kFirst).status), SIGUSR1);
}

TEST_P(ScriptWorkerTest, StopWithoutGraceKills) {
  set_script("trap '' TERM; sleep 1000; :");
  start(kFirst);
  rig_.stop(kFirst);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kFirst).status), SIGKILL);
}

TEST_P(ScriptWorkerTest, WhatAWorkerStartedIsGoneWhenItIsReportedGone) {
  // A member of the group, one with a session of its own, and an orphan with a session and a child.
  set_script("sleep 1000 & setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000; :' &) ; wait");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 6; }));
  rig_.stop(kFirst);
  const Message gone = rig_.expect(Kind::kWorkerGone, kFirst);
  EXPECT_EQ(processes_of(kFirst), 0U);
  EXPECT_EQ(gone.unconfirmed, 0U);
}

TEST_P(ScriptWorkerTest, WhatAWorkerStartedIsGoneAlsoWhenItEndedByItself) {
  set_script("setsid sleep 1000 & (setsid sh -c 'sleep 1000 & sleep 1000; :' &) ; exit 4");
  start(kFirst);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 4);
  EXPECT_EQ(processes_of(kFirst), 0U);
}

TEST_P(ScriptWorkerTest, AChainThatLeavesEverySessionIsCaught) {
  // Each link starts the next one in a session of its own and ends.
  set_script("LINK='setsid sh -c \"$LINK\" & exit'; export LINK; sh -c \"$LINK\"; sleep 1000; :");
  start(kFirst);
  const auto link_seen = [] { return processes_of(kFirst) >= 3; };
  ASSERT_TRUE(test::eventually(link_seen));
  rig_.stop(kFirst);
  EXPECT_EQ(rig_.expect(Kind::kWorkerGone, kFirst).unconfirmed, 0U);
  EXPECT_EQ(processes_of(kFirst), 0U);
}

TEST_P(ScriptWorkerTest, OtherWorkersAndTheirProcessesLiveOn) {
  set_script("setsid sleep 1000 & wait");
  start(kFirst);
  start(kSecond);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2 && processes_of(kSecond) == 2; }));
  rig_.stop(kFirst);
  rig_.expect(Kind::kWorkerGone, kFirst);
  EXPECT_EQ(processes_of(kFirst), 0U);
  EXPECT_TRUE(test::eventually([] { return processes_of(kSecond) == 2; }));  // one may be in its exec: it shows nothing
}

TEST_P(ScriptWorkerTest, GraceIsGiven) {
  set_script("trap 'exit 9' TERM; sleep 1000 & wait");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  rig_.stop(kFirst, kLongNs);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 9);
}

TEST_P(ScriptWorkerTest, ASuspendedWorkerIsWokenForItsGrace) {
  set_script("trap 'exit 9' TERM; sleep 1000 & wait");
  const pid_t pid = start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  ::kill(pid, SIGSTOP);
  rig_.stop(kFirst, kLongNs);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 9);
}

TEST_P(ScriptWorkerTest, WhoIgnoresSigtermIsKilledAfterTheGrace) {
  set_script("trap '' TERM; sleep 1000; :");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  const std::int64_t before = os::monotonic_now();
  constexpr std::int64_t kGraceNs = 50'000'000;
  rig_.stop(kFirst, kGraceNs);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kFirst).status), SIGKILL);
  EXPECT_GE(os::monotonic_now() - before, kGraceNs);
}

TEST_P(ScriptWorkerTest, SignalsComeInTheirOrderAndThenDeath) {
  set_script("trap 'trap \"exit 9\" USR1' HUP; trap '' TERM; while :; do sleep 1000 & wait; done");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  rig_.stop(kFirst, StopSteps{{{SIGHUP, 50'000'000}, {SIGTERM, 1}, {SIGUSR1, kLongNs}}});
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 9);
}

TEST_P(ScriptWorkerTest, WhoSurvivesAllSignalsIsKilled) {
  set_script("trap '' TERM HUP USR1; sleep 1000; :");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  rig_.stop(kFirst, StopSteps{{{SIGHUP, 1}, {SIGTERM, 1}, {SIGUSR1, 1}}});
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kFirst).status), SIGKILL);
}

TEST_P(ScriptWorkerTest, AKillEndsTheGrace) {
  set_script("trap '' TERM; sleep 1000; :");
  start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  rig_.stop(kFirst, kLongNs);
  rig_.stop(kFirst);
  EXPECT_EQ(WTERMSIG(rig_.expect(Kind::kWorkerGone, kFirst).status), SIGKILL);
}

TEST_P(ScriptWorkerTest, WorkersDieWithTheLauncher) {
  set_script("sleep 1000; :");
  const pid_t pid = start(kFirst);
  ::kill(rig_.pid(), SIGKILL);
  EXPECT_TRUE(rig_.ended());
  EXPECT_TRUE(test::eventually([&] { return os::start_time_of(pid) == 0; }));
  EXPECT_TRUE(test::eventually([&] { return rig_.survivors().empty(); })) << "what workers started is the guard's";
}

TEST_P(ScriptWorkerTest, WithoutItsGuardTheLauncherGoesOn) {
  set_script("sleep 1000; :");
  ::kill(rig_.guard(), SIGKILL);
  EXPECT_TRUE(rig_.ended());
  start(kFirst);
  rig_.stop(kFirst);
  rig_.expect(Kind::kWorkerGone, kFirst);
}

TEST_F(LauncherTest, AnswersPing) {
  rig_.order({.kind = Kind::kPing});
  rig_.expect(Kind::kPong);
}

TEST_P(ScriptWorkerTest, AStoppedWorkerIsContinuedAndSignalled) {
  set_script("trap 'exit 7' USR1; sleep 1000 & wait");
  const pid_t pid = start(kFirst);
  ASSERT_TRUE(test::eventually([] { return processes_of(kFirst) == 2; }));
  ::kill(pid, SIGSTOP);
  rig_.order({.kind = Kind::kSignalWorker, .worker = kFirst, .status = SIGUSR1});
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 7);
}

TEST_P(ScriptWorkerTest, HangingUpKillsAllAndStillReports) {
  set_script("setsid sleep 1000 & wait");
  start(kFirst);
  start(kSecond);
  rig_.hang_up();
  rig_.expect(Kind::kWorkerGone, kFirst);
  rig_.expect(Kind::kWorkerGone, kSecond);
  EXPECT_TRUE(rig_.ended());
  EXPECT_TRUE(rig_.survivors().empty());
}

TEST_P(ScriptWorkerTest, ManyWorkersAtOnceAreEachReportedOnce) {
  constexpr std::uint64_t kMany = 40;
  set_script("exit 3");
  for (std::uint64_t id = 1; id <= kMany; ++id) ends_.push_back(rig_.start(id, GetParam()));
  for (std::uint64_t id = 1; id <= kMany; ++id) {
    rig_.expect(Kind::kWorkerStarted, id);
    EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, id).status), 3);
  }
  EXPECT_EQ(rig_.unexpected(), 0U);
}

TEST_P(ScriptWorkerTest, AWorkerLeadsAGroupAwayFromTheProgram) {
  set_script("sleep 1000; :");
  const pid_t pid = start(kFirst);
  EXPECT_EQ(::getpgid(pid), pid);
  EXPECT_EQ(::getsid(pid), rig_.pid());
  EXPECT_NE(::getsid(0), rig_.pid());
}

TEST_F(LauncherTest, AnExecedWorkerHasItsRoleAndDescriptorsAndNoOthers) {
  rig_.set_program({{"/bin/sh", "-c", "sleep 1000; :"}, {"EXTRA=yes", "HOME"}});
  const auto end = rig_.start(kFirst, StartHow::kExec);
  const pid_t pid = rig_.expect(Kind::kWorkerStarted, kFirst).pid;
  ASSERT_TRUE(test::eventually([&] { return os::children_of(pid).size() == 1; }));  // the shell has come to its script
  const auto has = [&](const std::string& entry) {
    const auto found = test::processes_with(entry);
    return std::find(found.begin(), found.end(), pid) != found.end();
  };
  for (const char* entry : {"PRONG_ROLE=worker", "PRONG_FDS=3,4,5", "EXTRA=yes"}) EXPECT_TRUE(has(entry));
  EXPECT_TRUE(has("PRONG_WORKER=" + std::to_string(kFirst)));
  EXPECT_TRUE(has("PRONG_LAUNCHER_PID=" + std::to_string(rig_.pid())));
  EXPECT_FALSE(has(std::string("HOME=") + std::getenv("HOME")));
  std::vector<int> open;
  const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    open.push_back(std::atoi(entry.path().filename().c_str()));
  std::sort(open.begin(), open.end());
  EXPECT_EQ(open, (std::vector{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(std::filesystem::read_symlink(folder / "0"), "/dev/null");
}

TEST_F(LauncherTest, FailedStartsNameTheirStage) {
  const auto failure = [&](StartHow how) {
    static std::uint64_t id = 100;
    const auto end = rig_.start(++id, how);
    const Message failed = rig_.expect(Kind::kStartFailed, id);
    return std::pair(std::string(failed.stage), failed.error);
  };
  EXPECT_EQ(failure(StartHow::kExec), std::pair(std::string("program"), EINVAL));
  EXPECT_EQ(failure(StartHow::kTemplate), std::pair(std::string("no template"), ECHILD));
  rig_.set_program({{"/nonexistent"}, {}});
  EXPECT_EQ(failure(StartHow::kExec), std::pair(std::string("exec"), ENOENT));
  rig_.order({.kind = Kind::kStartWorker, .worker = 99, .how = StartHow::kExec});
  EXPECT_STREQ(rig_.expect(Kind::kStartFailed, 99).stage, "descriptors");
  rig_.order({.kind = Kind::kStartTemplate});
  const Message gone = rig_.expect(Kind::kTemplateGone);
  EXPECT_STREQ(gone.stage, "exec");
  EXPECT_EQ(gone.error, ENOENT);
}

TEST_F(LauncherTest, StoppingAnUnknownWorkerDoesNothing) {
  rig_.stop(77);
  rig_.set_script("exit 0");
  const auto end = rig_.start(kFirst, StartHow::kExec);
  rig_.expect(Kind::kWorkerGone, kFirst);
}

TEST_F(LauncherTest, AWorkerThatEndedBeforeItsAnnouncementIsReportedWithItsStatus) {
  rig_.set_program(fake_template("", "early"));
  rig_.order({.kind = Kind::kStartTemplate});
  for (std::uint64_t id = 1; id <= 20; ++id) {
    const auto end = rig_.start(id, StartHow::kTemplate);
    const pid_t pid = rig_.expect(Kind::kWorkerStarted, id).pid;
    const Message gone = rig_.expect(Kind::kWorkerGone, id);
    EXPECT_EQ(gone.pid, pid);
    EXPECT_EQ(WEXITSTATUS(gone.status), 7);
  }
}

TEST_F(LauncherTest, ATemplateThatCannotForkFailsTheStart) {
  rig_.set_program(fake_template("", "refuse"));
  rig_.order({.kind = Kind::kStartTemplate});
  const auto end = rig_.start(1, StartHow::kTemplate);
  const Message failed = rig_.expect(Kind::kStartFailed, 1);
  EXPECT_STREQ(failed.stage, "fork");
  EXPECT_EQ(failed.error, EAGAIN);
}

TEST_F(LauncherTest, ATemplateThatEndsFailsWhatWasAskedOfIt) {
  rig_.set_program(fake_template("", "die"));
  rig_.order({.kind = Kind::kStartTemplate});
  const auto first = rig_.start(1, StartHow::kTemplate);
  const auto second = rig_.start(2, StartHow::kTemplate);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kTemplateGone).status), 3);
  rig_.expect(Kind::kStartFailed, 1);
  rig_.expect(Kind::kStartFailed, 2);
}

TEST_F(LauncherTest, ALostTemplateCostsNoWorkerAndCanBeReplaced) {
  rig_.set_program(fake_template("sleep 1000; :"));
  rig_.order({.kind = Kind::kStartTemplate});
  const auto first = rig_.start(1, StartHow::kTemplate);
  const pid_t worker = rig_.expect(Kind::kWorkerStarted, 1).pid;
  pid_t template_pid = 0;
  for (const pid_t child : os::children_of(rig_.pid())) template_pid = child != worker ? child : template_pid;
  ::kill(template_pid, SIGKILL);
  const Message gone = rig_.expect(Kind::kTemplateGone);
  EXPECT_EQ(gone.pid, template_pid);
  EXPECT_EQ(WTERMSIG(gone.status), SIGKILL);
  EXPECT_NE(os::start_time_of(worker), 0U);
  rig_.order({.kind = Kind::kStartTemplate});
  const auto second = rig_.start(2, StartHow::kTemplate);
  rig_.expect(Kind::kWorkerStarted, 2);
  EXPECT_NE(os::start_time_of(worker), 0U);
  EXPECT_EQ(rig_.unexpected(), 0U);
}

TEST_F(LauncherTest, ATemplateThatAnswersNothingBlocksNobody) {
  rig_.set_program(fake_template("", "deaf"));
  rig_.order({.kind = Kind::kStartTemplate});
  std::vector<std::unique_ptr<test::WorkerEnd>> ends;
  constexpr std::uint64_t kMoreThanASocketHolds = 400;
  for (std::uint64_t id = 1; id <= kMoreThanASocketHolds; ++id) ends.push_back(rig_.start(id, StartHow::kTemplate));
  rig_.set_script("exit 6");
  const auto other = rig_.start(1000, StartHow::kExec);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, 1000).status), 6);
}

TEST_F(LauncherTest, AStoppedStartIsReportedWhenTheTemplateIsGone) {
  rig_.set_program(fake_template("", "mute"));
  rig_.order({.kind = Kind::kStartTemplate});
  const auto end = rig_.start(1, StartHow::kTemplate);
  rig_.stop(1);
  rig_.hang_up();
  rig_.expect(Kind::kStartFailed, 1);
}

TEST_F(LauncherTest, SignalsMeantForAllDoNotEndIt) {
  rig_.set_script("exit 5");
  const auto first = rig_.start(4, StartHow::kExec);
  rig_.expect(Kind::kWorkerGone, 4);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::kill(rig_.pid(), signal);
  const auto second = rig_.start(kFirst, StartHow::kExec);
  EXPECT_EQ(WEXITSTATUS(rig_.expect(Kind::kWorkerGone, kFirst).status), 5);
}

TEST_F(LauncherTest, NonsenseFromTheCoordinatorEndsEverything) {
  rig_.set_script("sleep 1000; :");
  const auto end = rig_.start(kFirst, StartHow::kExec);
  rig_.expect(Kind::kWorkerStarted, kFirst);
  ASSERT_EQ(::write(rig_.socket(), "nonsense", 8), 8);
  EXPECT_TRUE(rig_.ended());
}

/// A program of its own process, with a launcher and workers, that somebody kills.
class ProgramEndTest : public testing::TestWithParam<bool> {
 protected:
  static void be_program(int pipe) {
    test::LauncherRig rig(GetParam());
    rig.set_script("setsid sleep 1000 & (setsid sleep 1000 &) ; wait");
    const auto first = rig.start(kFirst, StartHow::kExec);
    const auto second = rig.start(kSecond, StartHow::kCommand);
    // A child of the program keeps its side of the socket open.
    const pid_t holder = ::fork();
    if (holder == 0) {
      for (;;) ::pause();
    }
    rig.expect(Kind::kWorkerStarted, kFirst);
    rig.expect(Kind::kWorkerStarted, kSecond);
    const std::string line = std::to_string(holder) + " " + rig.tag();
    [[maybe_unused]] const auto size = ::write(pipe, line.data(), line.size());
    for (;;) ::pause();
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, ProgramEndTest, testing::Values(true, false),
                         [](const auto& instance) { return instance.param ? "WithPidfd" : "WithoutPidfd"; });

TEST_P(ProgramEndTest, NothingOutlivesAKilledProgram) {
  const test::LeakCheck leaks;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t program = ::fork();
  if (program == 0) be_program(ends[1]);
  ::close(ends[1]);
  std::array<char, 128> line{};
  ASSERT_GT(::read(ends[0], line.data(), line.size() - 1), 0);
  ::close(ends[0]);
  const std::string text = line.data();
  const pid_t holder = std::atoi(text.c_str());
  const std::string tag = text.substr(text.find(' ') + 1);
  // A process in the middle of its exec shows no environment: only when all have come to rest can they be counted.
  std::size_t alive = 0;
  EXPECT_TRUE(test::eventually([&] { return (alive = test::processes_with(tag).size()) == 6; }))
      << alive << "; wanted guard, launcher, two workers, and the two sleepers of the first";
  ::kill(program, SIGKILL);
  os::reap(program);
  EXPECT_TRUE(test::eventually([&] { return test::processes_with(tag).empty(); }));
  EXPECT_NE(os::start_time_of(holder), 0U);
  ::kill(holder, SIGKILL);
  for (const pid_t survivor : test::processes_with(tag)) ::kill(survivor, SIGKILL);
}

}  // namespace
}  // namespace prong::launcher
