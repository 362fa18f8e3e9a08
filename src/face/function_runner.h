// FunctionRunner: runs C++ functions in a worker. Worker process, main thread.
#pragma once

#include "prong/worker.h"

namespace prong::face {

class FunctionRunner final : public JobRunner {
 public:
  /// C++ has no definitions: a function is already in the program.
  void define(DefinitionId, const Payload&) override {}
  void run(JobId id, int attempt, const Payload& call, ResultSink& sink) override;
  void initialize(const Payload& call, ResultSink& sink) override;
  void finalize(const Payload& call, ResultSink& sink) override;
  void before_exit() override;
};

}  // namespace prong::face
