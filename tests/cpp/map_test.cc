// Many jobs at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <numeric>
#include <ranges>
#include <thread>

#include "cpp/samples.h"
#include "cpp/shared_pool.h"

namespace prong {
namespace {

class MapTest : public SharedPoolTest {};

int odd_only(int n) {
  if (n % 2 == 0) throw std::domain_error(std::to_string(n) + " is even");
  return n;
}

TEST_F(MapTest, GivesTenThousandResultsInOrder) {
  std::vector<int> numbers(10'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const std::vector<int> squares = pool().map(samples::square, numbers);
  ASSERT_EQ(squares.size(), numbers.size());
  for (const int n : numbers) ASSERT_EQ(squares[static_cast<std::size_t>(n)], n * n);
}

TEST_F(MapTest, TakesAnyRange) {
  EXPECT_EQ(pool().map(samples::square, std::vector<int>{}), std::vector<int>{});
  EXPECT_EQ(pool().map(samples::square, std::list{1, 2}), (std::vector{1, 4}));
  EXPECT_EQ(pool().map(samples::square, std::views::iota(3, 6)), (std::vector{9, 16, 25}));
  const char* const words[] = {"one", "three"};
  EXPECT_EQ(pool().map([](const std::string& word) { return word.size(); }, words), (std::vector<std::size_t>{3, 5}));
  pool().map([](int) {}, std::vector{1, 2, 3});
  EXPECT_EQ(pool().map([](int n) { return n > 1; }, std::vector{1, 2}), (std::vector<bool>{false, true}));
}

TEST_F(MapTest, ThrowsTheFirstFailure) {
  try {
    pool().map(odd_only, std::vector{1, 3, 4, 5, 6});
    FAIL() << "nothing was thrown";
  } catch (const JobRaised& failure) {
    EXPECT_EQ(failure.message(), "4 is even");
  }
}

TEST_F(MapTest, OutcomesNameEachFailure) {
  const std::vector<Outcome> outcomes = pool().map_outcomes(odd_only, std::vector{1, 2, 3});
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(decode_value<int>(std::get<Returned>(outcomes[0]).value.bytes()), 1);
  EXPECT_EQ(std::get<Raised>(outcomes[1]).message, "2 is even");
  EXPECT_EQ(decode_value<int>(std::get<Returned>(outcomes[2]).value.bytes()), 3);
}

TEST_F(MapTest, SubmitAllGivesFutures) {
  std::vector<Future<int>> futures = pool().submit_all(odd_only, std::vector{1, 2, 3});
  EXPECT_EQ(std::ranges::count_if(futures, &Future<int>::succeeded), 2);
  EXPECT_EQ(futures[2].get(), 3);
}

TEST_F(MapTest, CrashesCostOnlyTheirOwnItems) {
  auto crash_at_seven = [](int n) {
    if (n % 10 == 7) std::abort();
    return n;
  };
  const auto outcomes = pool().map_outcomes(crash_at_seven, std::views::iota(0, 100));
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    EXPECT_EQ(std::string(outcome_name(outcomes[i])), i % 10 == 7 ? "signalled" : "returned") << i;
}

TEST_F(MapTest, ServesSeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) right += pool().submit(samples::square, i).get() == i * i;
      const auto results = pool().map([t](int n) { return n + t; }, std::views::iota(0, 500));
      right += results.size() == 500 && results[499] == 499 + t;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 4 * 201);
}

}  // namespace
}  // namespace prong
