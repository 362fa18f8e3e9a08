#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace prong::base {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "prong: internal error: '%s' does not hold at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace prong::base
