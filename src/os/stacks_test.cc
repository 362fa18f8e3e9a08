#include "os/stacks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "os/memory.h"
#include "os/poller.h"
#include "os/process_tree.h"
#include "os/this_process.h"
#include "os/thread.h"

namespace prong::os {
namespace {

std::string contents(const Fd& file) {
  std::string text(file_size(file.get()), '\0');
  read_at(file.get(), 0, std::as_writable_bytes(std::span(text)));
  return text;
}

TEST(StacksTest, TheSignalMakesAProcessWriteItsFrames) {
  const Fd file = create_memfd("stacks", 0);
  const Fd doorbell = create_eventfd();
  const pid_t child = try_fork();
  if (child == 0) {
    report_stacks(file.get(), doorbell.get());
    ring(doorbell.get());
    for (;;) ::pause();
  }
  ASSERT_EQ(wait_for_doorbell(doorbell.get(), -1, nullptr), Awoken::kRung);
  silence(doorbell.get());
  ASSERT_TRUE(signal_process(child, stack_signal()));
  EXPECT_EQ(wait_for_doorbell(doorbell.get(), -1, nullptr), Awoken::kRung);
  const std::string text = contents(file);
  EXPECT_TRUE(text.ends_with(kEndOfStacks)) << text;
  EXPECT_GE(std::ranges::count(text, '\n'), 5) << text;
  signal_process(child, SIGKILL);
  reap(child);
}

}  // namespace
}  // namespace prong::os
