// Subreaper: while one lives, this process adopts what its descendants leave behind. For tests.
#pragma once

#include <sys/prctl.h>

namespace prong::test {

class Subreaper {
 public:
  Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }
  Subreaper(const Subreaper&) = delete;
  Subreaper& operator=(const Subreaper&) = delete;
  ~Subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

}  // namespace prong::test
