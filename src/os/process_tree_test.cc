#include "os/process_tree.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "os/child.h"
#include "support/eventually.h"
#include "support/leak_check.h"
#include "support/subreaper.h"

namespace prong::os {
namespace {

pid_t fork_sleeper() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  return pid;
}

/// A child with a chain of `depth` descendants below it.
pid_t fork_chain(int depth) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (depth > 0) fork_chain(depth - 1);
    for (;;) ::pause();
  }
  return pid;
}

TEST(ProcessTreeTest, ListsChildrenInBothWays) {
  const test::LeakCheck leaks;
  const pid_t first = fork_sleeper();
  const pid_t second = fork_sleeper();
  std::vector<pid_t> expected = {first, second};
  std::sort(expected.begin(), expected.end());
  for (auto children : {children_of(::getpid()), children_by_scan(::getpid())}) {
    std::sort(children.begin(), children.end());
    EXPECT_EQ(children, expected);
  }
  for (const pid_t pid : expected) {
    ::kill(pid, SIGKILL);
    reap(pid);
  }
  EXPECT_TRUE(children_of(::getpid()).empty());
}

TEST(ProcessTreeTest, DescendantsAreListedDeepestLast) {
  const test::LeakCheck leaks;
  const test::Subreaper subreaper;
  const pid_t top = fork_chain(3);
  ASSERT_TRUE(test::eventually([&] { return descendants_of(top).size() == 3; }));
  const auto below = descendants_of(top);
  EXPECT_EQ(children_of(top), std::vector<pid_t>{below[0]});
  EXPECT_EQ(children_of(below[0]), std::vector<pid_t>{below[1]});
  EXPECT_EQ(children_of(below[1]), std::vector<pid_t>{below[2]});
  kill_deep(top);
  EXPECT_TRUE(test::eventually([] { return reap_any(false).pid == Reaped::kNoChildren; }));
}

TEST(ProcessTreeTest, WhatIsSparedLivesWithAllBelowIt) {
  const test::LeakCheck leaks;
  const test::Subreaper subreaper;
  const pid_t top = fork_chain(3);
  ASSERT_TRUE(test::eventually([&] { return descendants_of(top).size() == 3; }));
  const auto below = descendants_of(top);
  kill_deep(top, [&](pid_t pid) { return pid == below[1]; });
  EXPECT_TRUE(test::eventually([&] { return children_of(::getpid()).size() == 3; }));  // two of them have ended
  EXPECT_EQ(start_time_of(top), 0U);
  EXPECT_EQ(start_time_of(below[0]), 0U);
  EXPECT_NE(start_time_of(below[1]), 0U);
  EXPECT_NE(start_time_of(below[2]), 0U);
  kill_deep(below[1]);
  EXPECT_TRUE(test::eventually([] { return reap_any(false).pid == Reaped::kNoChildren; }));
}

TEST(ProcessTreeTest, AZombieHasNoStartTime) {
  const test::LeakCheck leaks;
  EXPECT_NE(start_time_of(::getpid()), 0U);
  const pid_t child = fork_sleeper();
  EXPECT_NE(start_time_of(child), 0U);
  ::kill(child, SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return peek_ended_child() == child; }));
  EXPECT_EQ(start_time_of(child), 0U);
  reap(child);
  EXPECT_EQ(start_time_of(child), 0U);
}

TEST(ProcessTreeTest, PeekLeavesTheZombieForTheReaper) {
  const test::LeakCheck leaks;
  EXPECT_EQ(peek_ended_child(), Reaped::kNoChildren);
  const pid_t child = fork_sleeper();
  EXPECT_EQ(peek_ended_child(), Reaped::kNoneEnded);
  EXPECT_EQ(try_reap(child), std::nullopt);
  ::kill(child, SIGTERM);
  EXPECT_TRUE(test::eventually([&] { return peek_ended_child() == child; }));
  EXPECT_EQ(peek_ended_child(), child);
  const auto status = try_reap(child);
  ASSERT_TRUE(status);
  EXPECT_TRUE(ended_by_signal(*status));
  EXPECT_EQ(code_of(*status), SIGTERM);
  EXPECT_EQ(reap(child), -1);
}

TEST(ProcessTreeTest, SignalsAGroupOrALeaderWithoutOne) {
  const test::LeakCheck leaks;
  const pid_t alone = fork_sleeper();
  EXPECT_TRUE(signal_group(alone, SIGTERM));  // has no group of its own
  EXPECT_EQ(code_of(reap(alone)), SIGTERM);
  const pid_t leader = fork_sleeper();
  start_group(leader);
  const pid_t member = fork_sleeper();
  ASSERT_EQ(::setpgid(member, leader), 0);
  EXPECT_TRUE(signal_group(leader, SIGTERM));
  EXPECT_EQ(code_of(reap(leader)), SIGTERM);
  EXPECT_EQ(code_of(reap(member)), SIGTERM);
  EXPECT_FALSE(signal_group(leader, SIGTERM));
  EXPECT_FALSE(signal_group(0, SIGTERM));
  EXPECT_FALSE(signal_group(1, 0));
}

}  // namespace
}  // namespace prong::os
