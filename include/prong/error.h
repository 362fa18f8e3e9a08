// What Prong throws. What a *job* did is never an exception here; it is an Outcome.
//
//   std::runtime_error
//   └── Error               root of everything Prong throws
//       ├── SystemError     the system refused a call: says what was tried, on what, and errno
//       ├── UsageError      an argument or a call that makes no sense: says what was wrong and what would be right
//       ├── ClosedError     the pool takes no more jobs
//       └── PoolError       the pool cannot work (no launcher, initializer failed, start keeps failing): says why
#pragma once

#include <stdexcept>
#include <string>

namespace prong {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class SystemError : public Error {
 public:
  /// `what_was_tried`: e.g. "open '/etc/shadow'". `error`: an errno value.
  SystemError(const std::string& what_was_tried, int error);
  int error() const noexcept { return error_; }

 private:
  int error_;
};

class UsageError : public Error {
 public:
  using Error::Error;
};

class ClosedError : public Error {
 public:
  using Error::Error;
};

class PoolError : public Error {
 public:
  using Error::Error;
};

}  // namespace prong
