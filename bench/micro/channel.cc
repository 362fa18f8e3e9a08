// One job's way through a channel, without any process switch, and with a worker on another CPU.
#include <benchmark/benchmark.h>

#include <string>
#include <thread>

#include "ipc/channel.h"
#include "os/poller.h"

namespace prong::ipc {
namespace {

/// Push, take, publish, pop by one thread: what the steps themselves cost. Argument: bytes of request and result.
void one_thread(benchmark::State& state) {
  Channel channel;
  WorkerChannel worker = WorkerChannel::over_for_test(channel, os::create_eventfd());
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const ByteSpan parts[] = {as_bytes(text)};
  Request sent;
  sent.bytes = parts[0];
  Request taken;
  Result result;
  for (auto _ : state) {
    channel.try_push(sent);
    worker.take(taken);
    worker.publish(Result{}, parts);
    channel.try_pop(result);
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(2 * state.iterations() * state.range(0));
}
BENCHMARK(one_thread)->Name("channel/one_thread")->Arg(16)->Arg(1024)->Arg(64 * 1024);

/// As many requests as there is room for, answered by another thread.
void two_threads(benchmark::State& state) {
  Channel channel;
  std::thread thread([&] {
    WorkerChannel worker = WorkerChannel::over_for_test(channel, os::create_eventfd());
    Request request;
    do {
      worker.take(request);
      worker.publish(Result{}, {});
    } while (request.kind != RequestKind::kFinish);
  });
  Result result;
  std::int64_t answered = 0;
  std::int64_t pushed = 0;
  for (auto _ : state) {
    while (channel.try_push({})) ++pushed;
    channel.wake_worker();
    while (channel.try_pop(result) == Channel::Pop::kResult) ++answered;
  }
  state.SetItemsProcessed(answered);
  while (answered < pushed) answered += channel.try_pop(result) == Channel::Pop::kResult ? 1 : 0;
  Request finish;
  finish.kind = RequestKind::kFinish;
  while (!channel.try_push(finish)) std::this_thread::yield();  // the slot may not be free yet
  channel.wake_worker();
  thread.join();
}
BENCHMARK(two_threads)->Name("channel/two_threads")->UseRealTime();

/// The items of a batch: claimed, and their results kept.
void items(benchmark::State& state) {
  constexpr std::uint32_t kItems = 10'000;
  Channel channel;
  WorkerChannel worker = WorkerChannel::over_for_test(channel, os::create_eventfd());
  const std::string text(9, 'x');
  const ByteSpan parts[] = {as_bytes(text)};
  Request batch;
  batch.kind = RequestKind::kBatch;
  batch.end_item = kItems;
  Request taken;
  Result result;
  for (auto _ : state) {
    channel.try_push(batch);
    worker.take(taken);
    while (worker.claim_item()) worker.keep_item(parts);
    worker.publish_items(Result{});
    channel.try_pop(result);
  }
  state.SetItemsProcessed(state.iterations() * kItems);
}
BENCHMARK(items)->Name("channel/items_of_a_batch");

}  // namespace
}  // namespace prong::ipc
