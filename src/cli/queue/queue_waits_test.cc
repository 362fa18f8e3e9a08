#include "cli/queue/queue_waits.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace prong::cli {
namespace {

TEST(QueueWaitsTest, AWaitIsReadyWhenItsLastJobHasEnded) {
  QueueWaits waits;
  waits.add(7, {1, 2}, {.done = 3, .failed = 1});
  waits.ended(1, true);
  waits.ended(5, true);
  EXPECT_TRUE(waits.take_ready().empty());
  waits.ended(2, false);
  const std::vector<QueueWaits::Ready> ready = waits.take_ready();
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].client, 7U);
  EXPECT_EQ(ready[0].result.done, 4U);
  EXPECT_EQ(ready[0].result.failed, 2U);
  EXPECT_TRUE(waits.take_ready().empty());
}

TEST(QueueWaitsTest, NothingToWaitForIsReadyAtOnce) {
  QueueWaits waits;
  waits.add(7, {}, {.done = 1});
  EXPECT_EQ(waits.take_ready().size(), 1U);
}

TEST(QueueWaitsTest, ForAllIsATurnOfItsOwn) {
  QueueWaits waits;
  waits.add_for_all(7);
  waits.ended(2, false);
  EXPECT_TRUE(waits.take_ready().empty());
  EXPECT_EQ(waits.take_for_all(), std::vector<std::uint64_t>{7});
  EXPECT_TRUE(waits.take_for_all().empty());
}

TEST(QueueWaitsTest, SeveralMayWaitForOneJob) {
  QueueWaits waits;
  waits.add(7, {1}, {});
  waits.add(8, {1, 2}, {});
  waits.ended(1, true);
  EXPECT_EQ(waits.take_ready().size(), 1U);
  waits.ended(2, true);
  EXPECT_EQ(waits.take_ready().size(), 1U);
}

TEST(QueueWaitsTest, AllOfThemAreTakenOnce) {
  QueueWaits waits;
  waits.add(7, {1, 2}, {});
  waits.add(8, {1}, {});
  waits.add_for_all(9);
  std::vector<std::uint64_t> clients = waits.take_all();
  std::ranges::sort(clients);
  EXPECT_EQ(clients, (std::vector<std::uint64_t>{7, 8, 9}));
  waits.ended(1, true);
  EXPECT_TRUE(waits.take_ready().empty());
  EXPECT_TRUE(waits.take_all().empty());
}

TEST(QueueWaitsTest, WhoHasGoneAwayIsForgotten) {
  QueueWaits waits;
  waits.add(7, {1}, {});
  waits.add(8, {1}, {});
  waits.add_for_all(7);
  waits.forget([](std::uint64_t client) { return client != 7; });
  waits.ended(1, true);
  const std::vector<QueueWaits::Ready> ready = waits.take_ready();
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].client, 8U);
  EXPECT_TRUE(waits.take_for_all().empty());
}

}  // namespace
}  // namespace prong::cli
