// Task: what `run` and `map` do differently with the same inputs and settings.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/output/live_output.h"
#include "cli/output/sink.h"
#include "cli/results/result_store.h"
#include "cli/tasks/template_string.h"
#include "prong/job.h"
#include "prong/journal.h"
#include "prong/pool.h"

namespace prong::cli {

struct Outputs {
  Payload output;
  Payload error_output;
};

class Task {
 public:
  virtual ~Task() = default;

  /// The pool that can run its jobs; the number of workers is filled in by the caller.
  virtual PoolOptions pool_options() const = 0;
  /// May take the values out of the input where the job alone needs them. `live`: where its outputs go while it runs;
  /// null: they are kept.
  virtual Payload payload(Input& input, const OutputPaths* live) const = 0;
  /// Everything that makes this job another one than those of other inputs and commands.
  virtual void identify(const Input& input, ContentKey::Maker& maker) const = 0;
  /// As in what the job is made from.
  virtual const ReplacementNames& replacement_names() const = 0;
  /// The job on one line, for dry runs, the job log and messages.
  virtual std::string describe(const Input& input) const = 0;
  /// Whether a job that is done did what it was asked to.
  virtual bool succeeded(const Job& job) const = 0;
  /// What a function gave, as it is shown; of commands nothing.
  virtual std::string_view returned(const Job&) const { return {}; }
  /// Shows that the job is given to a worker, if that is wished.
  virtual void show_start(const Input&, Sink&) const {}
  /// Shows what the job gave. The prefix begins each line.
  virtual void show(const Input& input, const Job& job, const std::string& prefix, Sink& sink) const = 0;
  /// What the job gave, as it is put into files: standard output and standard error.
  virtual Outputs outputs(const Job& job) const = 0;
  /// What to tell of a failure beyond what show() showed; empty: nothing.
  virtual std::string complaint(const Job& job) const = 0;
  /// Why no worker can run its jobs, in words of what was asked for. `failure`: as the pool says it.
  virtual std::string explain(const std::string& failure) const { return failure; }
  /// Where results are to be kept; null: nowhere.
  virtual std::unique_ptr<ResultStore> result_store() const { return nullptr; }
  /// Whether workers do more than die when there are no more jobs.
  virtual bool workers_end_in_order() const { return false; }
};

}  // namespace prong::cli
