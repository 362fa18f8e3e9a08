// A JobRunner whose jobs are lines of text, so that the engine is tested without any face.
//
//   "echo WORDS"  returns WORDS          "pid"        returns the worker's pid
//   "big N"       returns N bytes 'x'    "size"       returns the size of the whole payload
//   "raise TEXT"  raises                 "crash N"    kills the worker by signal N
//   "exit N"      ends the worker        "hang"       never returns
//   "stubborn"    ignores SIGTERM, hangs "family"     starts a setsid'ed grandchild, writes its pid, hangs
//   "fork"        a forked copy comes back from the job too
//   "wait FILE"   returns when FILE exists
//   "count FILE"  appends a line to FILE and returns its words
// A batch is many lines; the result of each is a line, of one that raises "!" and the text.
//
//   "defined N"   returns definition N   "initialized" returns what initialize() got
#pragma once

#include <map>
#include <string>

#include "prong/worker.h"

namespace prong::test {

class TextRunner final : public JobRunner {
 public:
  void define(DefinitionId id, const Payload& definition) override { definitions_[id] = definition.text(); }
  void forget(DefinitionId id) override { definitions_.erase(id); }
  void run(JobId id, int attempt, const Payload& payload, ResultSink& sink) override;
  void run_items(JobId id, const Payload& payload, ItemSink& sink) override;
  void initialize(const Payload& payload, ResultSink& sink) override;
  void finalize(const Payload& payload, ResultSink& sink) override;

 private:
  std::map<DefinitionId, std::string> definitions_;
  std::string initialized_;
};

/// Options of a pool of TextRunners of this kind; the program is this test itself (see main.cc).
PoolOptions text_pool(StartKind kind, int workers);

/// In main, before anything else: serves if this process was started as a worker or template.
void serve_if_asked();

}  // namespace prong::test
