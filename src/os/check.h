// Turns refused system calls into SystemError. One line at the call site:
//   int fd = os::check(::open(path, O_RDONLY), "open '", path, "'");
// Any process. Not for use between fork and exec.
#pragma once

#include <cerrno>
#include <sstream>
#include <string>

#include "prong/error.h"

namespace prong::os {

template <typename... Words>
[[noreturn]] void fail(int error, const Words&... words) {
  std::ostringstream text;
  (text << ... << words);
  throw SystemError(text.str(), error);
}

/// Passes `result` through unless it is -1; then throws with errno.
template <typename Result, typename... Words>
Result check(Result result, const Words&... words) {
  if (result == static_cast<Result>(-1)) fail(errno, words...);
  return result;
}

/// Of a call that this kernel does not have, or that a container forbids: there may be another way.
constexpr bool is_refused(int error) noexcept {
  return error == EPERM || error == ENOSYS || error == EINVAL;
}

/// Calls `call` again while it is interrupted by a signal.
template <typename Call>
auto retry(Call call) noexcept(noexcept(call())) {
  for (;;) {
    auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace prong::os
