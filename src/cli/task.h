// Task: what `run` and `map` do differently with the same inputs and settings.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "cli/result_store.h"
#include "cli/template_string.h"
#include "prong/job.h"
#include "prong/journal.h"
#include "prong/pool.h"

namespace prong::cli {

class Task {
 public:
  virtual ~Task() = default;

  /// The pool that can run its jobs; the number of workers is filled in by the caller.
  virtual PoolOptions pool_options() const = 0;
  virtual Payload payload(const Input& input) const = 0;
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
  /// Shows what the job gave. The prefix begins each line.
  virtual void show(const Input& input, const Job& job, const std::string& prefix, Output& output) const = 0;
  /// What to tell of a failure beyond what show() showed; empty: nothing.
  virtual std::string complaint(const Job& job) const = 0;
  /// Where results are to be kept; null: nowhere.
  virtual std::unique_ptr<ResultStore> result_store() const { return nullptr; }
  /// Whether workers do more than die when there are no more jobs.
  virtual bool workers_end_in_order() const { return false; }
};

}  // namespace prong::cli
