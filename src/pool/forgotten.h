// Forgotten: the definitions of a pool that nobody has any more, until its workers are told.
//
// The last owner may be any thread, with any lock held, also when the pool is gone. Coordinator process; a forked copy
// of it forgets nothing.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <vector>

#include "prong/job.h"

namespace prong::pool {

class Forgotten {
 public:
  /// `look`: has somebody call take() soon; must not wait.
  explicit Forgotten(std::function<void()> look);

  void add(DefinitionId id) noexcept;
  std::vector<DefinitionId> take();
  /// The pool ends: nobody will look.
  void close() noexcept;

 private:
  pid_t owner_;
  std::mutex mutex_;
  std::function<void()> look_;
  std::vector<DefinitionId> ids_;
};

}  // namespace prong::pool
