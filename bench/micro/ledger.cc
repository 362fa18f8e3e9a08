#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <vector>

#include "jobs/ledger.h"

namespace prong::jobs {
namespace {

JobSpec spec() {
  return {.payload = Payload::copy_of(std::string(24, 'x'))};
}

/// A job's whole life, with others in the queue or without. Argument: how many are queued.
void life(benchmark::State& state) {
  Ledger ledger(1);
  for (std::int64_t i = 0; i < state.range(0); ++i) ledger.submit(spec(), 1);
  for (auto _ : state) {
    ledger.submit(spec(), 1);
    const JobPtr job = ledger.next(2);
    ledger.end_attempt(job, {.outcome = Returned{}}, 3);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(life)->Name("ledger/life_of_a_job")->Arg(0)->Arg(1'000'000);

/// What a queued job holds, beyond its 24 bytes of payload.
void memory(benchmark::State& state) {
  constexpr std::int64_t kJobs = 100'000;
  double bytes = 0;
  for (auto _ : state) {
    Ledger ledger(1);
    std::vector<JobPtr> held;
    held.reserve(kJobs);
    const auto before = ::mallinfo2().uordblks;
    for (std::int64_t i = 0; i < kJobs; ++i) held.push_back(ledger.submit(spec(), 1));
    bytes = static_cast<double>(::mallinfo2().uordblks - before) / kJobs - 24;
  }
  state.counters["bytes_per_job"] = bytes;
  state.SetItemsProcessed(state.iterations() * kJobs);
}
BENCHMARK(memory)->Name("ledger/queued_job")->Iterations(3);

/// A batch that loses its items to others one by one.
void split(benchmark::State& state) {
  constexpr std::uint32_t kItems = 1000;
  for (auto _ : state) {
    Ledger ledger(1);
    JobSpec batch = spec();
    batch.items = kItems;
    ledger.submit(std::move(batch), 1);
    for (std::uint32_t at = 1; at < kItems; ++at) {
      const JobPtr job = ledger.next(2);
      ledger.split(job, at);
      ledger.end_attempt(job, {.outcome = Returned{}}, 3);
    }
  }
  state.SetItemsProcessed(state.iterations() * kItems);
}
BENCHMARK(split)->Name("ledger/split_batch");

}  // namespace
}  // namespace prong::jobs
