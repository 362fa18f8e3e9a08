// ProgramWatch: notices the end of the user's program. Its closed socket is not enough: a child that the program forked
// may hold that open. Launcher process.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "os/fd.h"

namespace prong::launcher {

class ProgramWatch {
 public:
  static constexpr std::int64_t kPeriodNs = 1'000'000'000;

  /// `pidfd`: empty where the kernel has none; then the start time of `program` is compared once a second.
  ProgramWatch(os::Fd pidfd, pid_t program, std::int64_t now);

  /// Readable once the program has ended; -1: ask ended() at due().
  int descriptor() const noexcept { return pidfd_.get(); }
  /// When to look next; -1: never.
  std::int64_t due() const noexcept { return due_; }
  /// Looks, if it is time to. Only without descriptor.
  bool ended(std::int64_t now);

 private:
  os::Fd pidfd_;
  pid_t program_;
  std::uint64_t start_time_ = 0;
  std::int64_t due_ = -1;
};

}  // namespace prong::launcher
