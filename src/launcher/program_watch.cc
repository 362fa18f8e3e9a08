#include "launcher/program_watch.h"

#include "os/process_tree.h"

namespace prong::launcher {

ProgramWatch::ProgramWatch(os::Fd pidfd, pid_t program, std::int64_t now)
    : pidfd_(std::move(pidfd)), program_(program) {
  if (pidfd_ || program_ <= 0 || !os::proc_is_ours()) return;
  start_time_ = os::start_time_of(program_);
  due_ = now + kPeriodNs;
}

bool ProgramWatch::ended(std::int64_t now) {
  if (due_ < 0 || now < due_) return false;
  due_ = now + kPeriodNs;
  return start_time_ == 0 || os::start_time_of(program_) != start_time_;
}

}  // namespace prong::launcher
