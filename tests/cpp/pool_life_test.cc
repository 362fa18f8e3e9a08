// Pools of C++ functions as a whole: how they start, what workers do first and last, how they end.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "cpp/samples.h"
#include "prong/prong.h"

namespace prong {
namespace {

int prepared = 0;

void prepare(int value) {
  prepared = value;
}

class PoolLifeTest : public testing::TestWithParam<StartKind> {};

std::string name_of(const testing::TestParamInfo<StartKind>& info) {
  if (info.param == StartKind::kFresh) return "fresh";
  return info.param == StartKind::kFork ? "fork" : "spawn";
}

INSTANTIATE_TEST_SUITE_P(EveryStart, PoolLifeTest,
                         testing::Values(StartKind::kFresh, StartKind::kFork, StartKind::kSpawn), name_of);

TEST_P(PoolLifeTest, RunsFunctions) {
  Pool pool({.workers = 2, .start = GetParam()});
  EXPECT_EQ(pool.submit(samples::square, 4).get(), 16);
  EXPECT_EQ(pool.map(samples::square, std::vector{1, 2, 3}), (std::vector{1, 4, 9}));
  EXPECT_THROW(pool.submit([] { std::abort(); }).get(), JobSignalled);
  EXPECT_EQ(pool.submit(samples::square, 5).get(), 25);
}

TEST_P(PoolLifeTest, InitializerRunsFirst) {
  Pool pool({.workers = 2, .start = GetParam(), .initializer = encode_call(prepare, 42)});
  for (const int value : pool.map([](int) { return prepared; }, std::vector<int>(20))) EXPECT_EQ(value, 42);
  EXPECT_EQ(prepared, 0) << "the initializer ran here";
}

TEST_P(PoolLifeTest, FinalizerRunsLast) {
  Pool pool({.workers = 1, .start = GetParam(), .finalizer = encode_call([] { return 17; })});
  pool.submit(samples::nothing).get();
  pool.close();
  pool.join();
  const auto outcomes = pool.finalizer_outcomes();
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(decode_value<int>(std::get<Returned>(outcomes[0]).value.bytes()), 17);
}

TEST_P(PoolLifeTest, ManyShortLivedPools) {
  for (int i = 0; i < 20; ++i) {
    Pool pool({.workers = 1, .start = GetParam()});
    ASSERT_EQ(pool.submit(samples::square, i).get(), i * i);
  }
}

TEST_P(PoolLifeTest, BigHeapIsNoMatter) {
  constexpr std::size_t kSize = std::size_t{256} << 20;
  const auto heap = std::make_unique_for_overwrite<char[]>(kSize);
  std::memset(heap.get(), 1, kSize);
  Pool pool({.workers = 2, .start = GetParam()});
  EXPECT_EQ(pool.submit(samples::square, 6).get(), 36);
  EXPECT_EQ(heap[kSize / 2], 1);
}

TEST(PoolTest, TakesNoJobsOnceClosed) {
  Pool pool({.workers = 1});
  const auto future = pool.submit(samples::square, 2);
  pool.close();
  EXPECT_THROW(pool.submit(samples::square, 3), ClosedError);
  EXPECT_EQ(future.get(), 4);
  pool.join();
}

TEST(PoolTest, WorksFromAProgramWithThreads) {
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) std::make_unique<int>(1);
  });
  for (int i = 0; i < 5; ++i) {
    Pool pool({.workers = 2});
    EXPECT_EQ(pool.submit(samples::square, i).get(), i * i);
  }
  stop = true;
  busy.join();
}

TEST(PoolTest, WorkersMayHavePoolsOfTheirOwn) {
  EXPECT_EQ(Pool({.workers = 1})
                .submit(
                    [](int n) {
                      Pool inner({.workers = 1});
                      return inner.submit(samples::square, n).get() + 1;
                    },
                    3)
                .get(),
            10);
}

TEST(PoolTest, OutputOfAJobIsOutBeforeItsResult) {
  testing::internal::CaptureStdout();
  {
    Pool pool({.workers = 1});
    pool.submit([] { std::printf("printed"); }).get();
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "printed");
  }
}

TEST_P(PoolLifeTest, FuturesOutliveTheirPool) {
  auto pool = std::make_unique<Pool>(PoolOptions{.workers = 1, .start = GetParam()});
  Future<int> returned = pool->submit([](int n) { return n; }, 7);
  returned.wait();
  Future<void> cancelled = pool->submit([] { ::pause(); });
  pool.reset();
  EXPECT_FALSE(returned.cancel());
  EXPECT_EQ(returned.get(), 7);
  EXPECT_TRUE(cancelled.cancel());
}

}  // namespace
}  // namespace prong
