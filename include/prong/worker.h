// The worker's and the template's side: what a face implements to have its jobs run in worker processes.
// Runs in the worker (or template) process, on its main thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "prong/job.h"
#include "prong/options.h"

namespace prong {

/// Takes the result of the job that runs. Call exactly one member, once. Spans need to live only during the call.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  /// The parts are joined into one payload.
  virtual void returned(std::span<const ByteSpan> parts) = 0;
  /// `value`: the encoded exception, or empty; `raised.value` is not looked at.
  virtual void raised(const Raised& raised, ByteSpan value) = 0;
};

/// The items of a batch, for a runner that asks for one after the other.
class ItemSink {
 public:
  virtual ~ItemSink() = default;
  /// The number of the next item, in the payload, which counts as begun from here on; nothing if no more are this
  /// worker's.
  virtual std::optional<std::uint32_t> next() = 0;
  /// The result of the item that next() gave, encoded by the face; the parts are joined. It is safe from now on, even
  /// if the process dies. Returns 0, or the errno of memory that could not be had: then something else is to be put.
  virtual int put(std::span<const ByteSpan> parts) = 0;
};

/// Implemented by each face. An exception that leaves a member ends the worker.
class JobRunner {
 public:
  virtual ~JobRunner() = default;
  /// A definition, before the first job that needs it.
  virtual void define(DefinitionId id, const Payload& definition) = 0;
  /// No later job needs it.
  virtual void forget(DefinitionId id) { (void)id; }
  virtual void run(JobId id, int attempt, const Payload& payload, ResultSink& sink) = 0;
  /// A batch (JobSpec::items); `id` is that of the payload's first item. Only for faces that submit batches.
  virtual void run_items(JobId id, const Payload& payload, ItemSink& sink);
  virtual void initialize(const Payload& payload, ResultSink& sink) = 0;
  virtual void finalize(const Payload& payload, ResultSink& sink) = 0;
  /// Once, first of all: when `signal` comes, the process is to write its stacks to `file`. The engine's own handler
  /// is installed already; it says when the stacks are complete, so whatever is installed now must call it afterwards.
  virtual void report_stacks(int signal, int file) {
    (void)signal;
    (void)file;
  }
  /// Before the process ends in order: flush what is buffered.
  virtual void before_exit() {}
};

/// What a process that Prong started was started for.
enum class Role { kNone, kWorker, kTemplate, kNursery };

/// Reads the PRONG_* variables and removes them from the environment, so that children do not think they are workers.
Role role_from_environment();

/// Serves the channel given by the environment (kSpawn) until told to end. Never returns.
[[noreturn]] void serve_worker(JobRunner& runner);

struct TemplateHooks {
  /// Around the fork of a worker.
  ForkHooks fork;
  /// In a new worker, first of all.
  std::function<void()> in_worker;
  /// The runner to use in a new worker.
  std::function<JobRunner&()> runner;
};

/// Forks a worker for each request of the launcher, until the launcher is gone. Never returns.
/// `control_fd`: as given to PoolOptions::fork_template, or -1 to take it from the environment (kFresh).
[[noreturn]] void serve_template(const TemplateHooks& hooks, int control_fd = -1);

/// True in a worker process (and in what its jobs fork).
bool in_worker() noexcept;

}  // namespace prong
