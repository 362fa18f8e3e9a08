// bench_cpp submit|map JOBS
//
// Runs so many no-op jobs through two workers of the C++ face, checks every result, and prints the seconds between the
// first call and the last result. A tenth of the jobs goes before.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "prong/function.h"
#include "prong/future.h"
#include "prong/init.h"
#include "prong/pool.h"

namespace {

using Numbers = std::vector<int>;

int same(int number) {
  return number;
}

Numbers submit_all(prong::Pool& pool, const Numbers& numbers) {
  std::vector<prong::Future<int>> futures;
  futures.reserve(numbers.size());
  for (const int number : numbers) futures.push_back(pool.submit(same, number));
  Numbers results;
  results.reserve(numbers.size());
  for (const auto& future : futures) results.push_back(future.get());
  return results;
}

Numbers map_all(prong::Pool& pool, const Numbers& numbers) {
  return pool.map(same, numbers);
}

template <typename Run>
double seconds(Run run, prong::Pool& pool, int jobs) {
  Numbers numbers(static_cast<std::size_t>(jobs));
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto start = std::chrono::steady_clock::now();
  const Numbers results = run(pool, numbers);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (results != numbers) std::exit(1);
  return took.count();
}

}  // namespace

int main(int argc, char** argv) {
  prong::init(argc, argv);
  if (argc != 3) return 2;
  const auto run = argv[1] == std::string_view("map") ? map_all : submit_all;
  const int jobs = std::atoi(argv[2]);
  prong::Pool pool({.workers = 2});
  seconds(run, pool, jobs / 10 + 1);
  std::printf("%.9f\n", seconds(run, pool, jobs));
}
