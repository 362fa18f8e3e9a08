// What the coordinator does for one job between its submission and its end, with a worker that is this thread.
#include <benchmark/benchmark.h>

#include <fcntl.h>

#include <string>
#include <vector>

#include "ipc/channel.h"
#include "jobs/ledger.h"
#include "os/clock.h"
#include "pool/worker_link.h"

namespace prong::pool {
namespace {

ipc::WorkerChannel worker_of(const WorkerLink& link) {
  const auto [segment, doorbell, control] = link.worker_fds();
  return {os::Fd(::fcntl(segment, F_DUPFD_CLOEXEC, 0)), os::Fd(::fcntl(doorbell, F_DUPFD_CLOEXEC, 0))};
}

JobPtr submit(jobs::Ledger& ledger, const std::string& text) {
  return ledger.submit({.payload = Payload::copy_of(text)}, os::monotonic_now());
}

void give(jobs::Ledger& ledger, WorkerLink& link) {
  const MonotonicNs now = os::monotonic_now();
  const JobPtr job = ledger.next(now);
  link.push_job(job, jobs::Ledger::spec(*job).payload, jobs::Ledger::attempt_number(*job), now);
}

void run(ipc::WorkerChannel& worker, const std::string& text) {
  ipc::Request request;
  worker.take(request);
  const ByteSpan parts[] = {as_bytes(text)};
  worker.publish(ipc::Result{}, parts);
}

void drain(jobs::Ledger& ledger, WorkerLink& link) {
  const MonotonicNs now = os::monotonic_now();
  for (Ending ending; link.pop(ending, now) == WorkerLink::Pop::kEnding;)
    ledger.end_attempt(ending.request.job, std::move(ending.attempt), now);
}

/// Arguments: bytes of payload and result; how many jobs are given before the first one runs.
void life(benchmark::State& state) {
  jobs::Ledger ledger(1);
  WorkerLink link(1, false);
  ipc::WorkerChannel worker = worker_of(link);
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const std::int64_t ahead = state.range(1);
  for (auto _ : state) {
    for (std::int64_t i = 0; i < ahead; ++i) submit(ledger, text);
    for (std::int64_t i = 0; i < ahead; ++i) give(ledger, link);
    for (std::int64_t i = 0; i < ahead; ++i) run(worker, text);
    drain(ledger, link);
  }
  state.SetItemsProcessed(state.iterations() * ahead);
}
BENCHMARK(life)
    ->Name("dispatch/submit_give_run_drain")
    ->ArgNames({"bytes", "ahead"})
    ->Args({24, 1})
    ->Args({24, 32})
    ->Args({1024, 32});

/// Requests that are taken back from behind a job that turns out to be long, and queued again. Then one job runs, since
/// only the worker frees their slots.
void take_back(benchmark::State& state) {
  constexpr int kAhead = 32;
  jobs::Ledger ledger(1);
  WorkerLink link(1, false);
  ipc::WorkerChannel worker = worker_of(link);
  const std::string text(24, 'x');
  for (int i = 0; i < kAhead; ++i) submit(ledger, text);
  for (auto _ : state) {
    for (int i = 0; i < kAhead; ++i) give(ledger, link);
    for (const JobPtr& job : link.take_back_unstarted()) ledger.take_back(job);
    give(ledger, link);
    run(worker, text);
    drain(ledger, link);
    submit(ledger, text);
  }
  state.SetItemsProcessed(state.iterations() * kAhead);
}
BENCHMARK(take_back)->Name("dispatch/give_and_take_back");

}  // namespace
}  // namespace prong::pool
