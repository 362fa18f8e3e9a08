// Blocks of shared memory for large payloads.
#include <benchmark/benchmark.h>

#include <string>

#include "ipc/block_store.h"
#include "os/clock.h"
#include "prong/payload.h"

namespace prong::ipc {
namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

/// As a pool does: while there is a customer who will look, free blocks are kept.
class KeptBlocks {
 public:
  KeptBlocks() { customer_.keep_until(os::monotonic_now() + std::int64_t{3600} * 1'000'000'000); }
  ~KeptBlocks() { BlockStore::of_this_process().release_all(); }
  KeptBlocks(const KeptBlocks&) = delete;
  KeptBlocks& operator=(const KeptBlocks&) = delete;

 private:
  BlockStore::Customer customer_{[] {}};
};

/// Taken and given back, without a byte written. Argument: bytes.
void take_kept(benchmark::State& state) {
  const KeptBlocks kept;
  BlockStore& store = BlockStore::of_this_process();
  for (auto _ : state) store.give_back(store.take(static_cast<std::size_t>(state.range(0)), Use::kArguments));
}
BENCHMARK(take_kept)->Name("block_store/take_kept")->Arg(kMebibyte);

/// A payload that is written to a block, then dropped. Argument: bytes.
void gather(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const ByteSpan parts[] = {as_bytes(text)};
  for (auto _ : state) benchmark::DoNotOptimize(Payload::gather(parts));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void gather_to_new(benchmark::State& state) {
  gather(state);
}
BENCHMARK(gather_to_new)->Name("block_store/write_to_new")->Arg(kMebibyte)->Arg(64 * kMebibyte);

void gather_to_kept(benchmark::State& state) {
  const KeptBlocks kept;
  gather(state);
}
BENCHMARK(gather_to_kept)->Name("block_store/write_to_kept")->Arg(kMebibyte)->Arg(64 * kMebibyte);

/// Memory of which there is a copy already: compared, not copied. Argument: bytes.
void known_copy(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const Payload copy = Payload::copy_of_memory(as_bytes(text));
  for (auto _ : state) benchmark::DoNotOptimize(Payload::known_copy(as_bytes(text)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(known_copy)->Name("block_store/known_copy")->Arg(kMebibyte)->Arg(64 * kMebibyte);

}  // namespace
}  // namespace prong::ipc
