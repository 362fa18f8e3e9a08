// The C++ face through two workers: dispatch, channel, ledger and wake-ups together.
#include <benchmark/benchmark.h>

#include <vector>

#include "prong/function.h"
#include "prong/future.h"
#include "prong/pool.h"

namespace prong {
namespace {

int same(int number) {
  return number;
}

Pool& pool() {
  static Pool two({.workers = 2});
  return two;
}

/// One job at a time.
void round_trip(benchmark::State& state) {
  pool().submit(same, 1).get();
  for (auto _ : state) benchmark::DoNotOptimize(pool().submit(same, 1).get());
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(round_trip)->Name("pool/round_trip")->UseRealTime();

/// 10,000 calls of submit(), then all results.
void submit(benchmark::State& state) {
  constexpr int kJobs = 10'000;
  for (auto _ : state) {
    std::vector<Future<int>> futures;
    futures.reserve(kJobs);
    for (int i = 0; i < kJobs; ++i) futures.push_back(pool().submit(same, i));
    for (const auto& future : futures) benchmark::DoNotOptimize(future.get());
  }
  state.SetItemsProcessed(state.iterations() * kJobs);
}
BENCHMARK(submit)->Name("pool/submit")->UseRealTime();

/// 10,000 jobs by one call of map().
void map(benchmark::State& state) {
  std::vector<int> numbers(10'000);
  for (auto _ : state) benchmark::DoNotOptimize(pool().map(same, numbers));
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(numbers.size()));
}
BENCHMARK(map)->Name("pool/map")->UseRealTime();

}  // namespace
}  // namespace prong
