// A program is forked for a pool, and what is to be guard or launcher is killed while it forks, or is sent a signal.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "engine/text_pool.h"
#include "engine/text_runner.h"
#include "prong/error.h"
#include "prong/pool.h"

namespace prong {
namespace {

using test::run;
using test::text_pool;

/// What the launcher-to-be does when it is about to fork the template.
enum class AtFork { kNothing, kDies, kKillsGuard, kSignalsItself };

std::atomic<AtFork> at_fork = AtFork::kNothing;
pid_t program = 0;
pid_t guard = 0;

/// Runs in the program, which forks the guard-to-be; in the launcher-to-be, which forks the template; and in templates
/// and their middle processes.
void before_fork() {
  const pid_t self = ::getpid();
  if (at_fork == AtFork::kNothing || self == program || ::getppid() != guard) return;
  if (at_fork == AtFork::kDies) ::kill(self, SIGKILL);
  if (at_fork == AtFork::kKillsGuard) ::kill(guard, SIGKILL);
  if (at_fork == AtFork::kSignalsItself)
    for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGALRM}) ::kill(self, signal);
  at_fork = AtFork::kNothing;
}

/// In the guard-to-be.
void after_fork() {
  if (::getppid() == program) guard = ::getpid();
}

class BranchTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { ::pthread_atfork(before_fork, nullptr, after_fork); }
  void SetUp() override {
    program = ::getpid();
    guard = 0;
  }
  void TearDown() override { at_fork = AtFork::kNothing; }

  static void expect_works(Pool& pool) { EXPECT_EQ(run(pool, "echo hello"), "hello"); }
};

TEST_F(BranchTest, LauncherToBeIsKilled) {
  at_fork = AtFork::kDies;
  EXPECT_THROW(Pool(text_pool(StartKind::kFork, 1)), PoolError);
  at_fork = AtFork::kNothing;
  Pool pool(text_pool(StartKind::kFork, 1));
  expect_works(pool);
}

TEST_F(BranchTest, GuardToBeIsKilledAndTheLauncherGoesOn) {
  at_fork = AtFork::kKillsGuard;
  Pool pool(text_pool(StartKind::kFork, 1));
  expect_works(pool);
}

TEST_F(BranchTest, WhatIsSentToAllBeforeThereIsALauncherDoesNotEndIt) {
  at_fork = AtFork::kSignalsItself;
  Pool pool(text_pool(StartKind::kFork, 1));
  expect_works(pool);
}

}  // namespace
}  // namespace prong
