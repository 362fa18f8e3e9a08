#include <benchmark/benchmark.h>

#include <string>

#include "base/codec.h"
#include "ipc/crc32c.h"

namespace prong {
namespace {

void checksum(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(ipc::crc32c(as_bytes(text)));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Name("codecs/crc32c")->Arg(44)->Arg(76)->Arg(64 * 1024);

void raised(benchmark::State& state) {
  const Raised raised{.type = "builtins.ValueError",
                      .message = "no such thing",
                      .traceback = std::string(500, 'x'),
                      .bases = {"builtins.Exception", "builtins.BaseException"}};
  for (auto _ : state) {
    const std::string encoded = base::encode_raised(raised, {});
    benchmark::DoNotOptimize(base::decode_raised(as_bytes(encoded)));
  }
}
BENCHMARK(raised)->Name("codecs/exception_there_and_back");

}  // namespace
}  // namespace prong
