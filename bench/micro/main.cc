#include <benchmark/benchmark.h>

#include "prong/init.h"

int main(int argc, char** argv) {
  prong::init(argc, argv);  // here the workers of pool.cc branch off
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
