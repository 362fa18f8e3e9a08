// ResultStore: where what jobs came to is kept, beside or instead of what is shown.
#pragma once

#include "cli/tasks/template_string.h"
#include "prong/job.h"

namespace prong::cli {

class ResultStore {
 public:
  virtual ~ResultStore() = default;

  /// A job that is done. What was added and not committed is lost when this process dies.
  virtual void add(const Input& input, const Job& job) = 0;
  virtual void commit() = 0;
};

}  // namespace prong::cli
