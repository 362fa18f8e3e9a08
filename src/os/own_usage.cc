#include "os/own_usage.h"

#include <fcntl.h>
#include <unistd.h>

#include "os/fd.h"

namespace prong::os {
namespace {

constexpr std::int64_t kKibibyte = 1024;

std::chrono::nanoseconds duration_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

rusage used_by(int whom) {
  rusage used{};
  ::getrusage(whom, &used);
  return used;
}

}  // namespace

Usage usage_of(const rusage& reaped) noexcept {
  return {.cpu_time = duration_of(reaped.ru_utime) + duration_of(reaped.ru_stime),
          .peak_memory = reaped.ru_maxrss * kKibibyte};
}

Usage own_usage() noexcept {
  Usage usage = usage_of(used_by(RUSAGE_SELF));
  usage.cpu_time += usage_of(used_by(RUSAGE_CHILDREN)).cpu_time;
  return usage;
}

std::int64_t own_peak_memory() noexcept {
  return usage_of(used_by(RUSAGE_SELF)).peak_memory;
}

// Opened each time: a descriptor that is kept could be closed by a job, and its number be another file's.
bool forget_own_peak_memory() noexcept {
  const Fd file(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), "5", 1) == 1;
}

}  // namespace prong::os
