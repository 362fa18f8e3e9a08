// Gathering: jobs that come one after another and are submitted some together. User's process. Knows nothing of Python.
//
// Who puts them here may not come back: it awaits its input. So a thread of the gathering's own submits what was put
// to be `watched`, half a millisecond later at most. That thread takes no lock of the interpreter, and none of the
// engine is held while it is waited for: all members may be called with the GIL. It sleeps while nothing comes.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "prong/pool.h"

namespace prong::python {

/// Members may be called by any thread, one at a time. In a forked copy of the process they throw UsageError.
class Gathering {
 public:
  /// `pool` must outlive this.
  explicit Gathering(Pool& pool);
  /// Drops what was not submitted.
  ~Gathering();
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;

  /// Adds a job; returns how many wait to be submitted. Without `watched` the caller sees to it.
  std::size_t put(JobSpec spec, bool watched);
  /// Submits what waits. What Pool::submit() throws is kept for check(); the jobs that it was about are gone.
  void submit();
  /// Throws what kept jobs from being submitted, once.
  void check();
  void drop();

  /// The jobs that were submitted since the last call, in order.
  std::vector<JobPtr> take_submitted();
  /// How many jobs wait, or were submitted and not taken.
  std::size_t count() const noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;  ///< the thread has it, too: nobody waits for its end
};

}  // namespace prong::python
