#include "prong/job_error.h"

#include <variant>

namespace prong {
namespace {

std::string text_of(const Job& job) {
  std::string text = "job " + std::to_string(job.id()) + " " + describe(job.outcome());
  if (job.attempts().empty()) return text;
  const Attempt& last = job.attempts().back();
  text += " (attempt " + std::to_string(last.number);
  if (last.worker_pid != 0) text += ", worker " + std::to_string(last.worker_pid);
  return text + ")";
}

struct Thrower {
  const Job& job;
  [[noreturn]] void operator()(const Returned&) const { throw JobFailed(job); }
  [[noreturn]] void operator()(const Raised&) const { throw JobRaised(job); }
  [[noreturn]] void operator()(const Exited&) const { throw JobExited(job); }
  [[noreturn]] void operator()(const Signalled&) const { throw JobSignalled(job); }
  [[noreturn]] void operator()(const TimedOut&) const { throw JobTimedOut(job); }
  [[noreturn]] void operator()(const Cancelled&) const { throw JobCancelled(job); }
  [[noreturn]] void operator()(const Lost&) const { throw JobLost(job); }
};

}  // namespace

JobFailed::JobFailed(const Job& job)
    : Error(text_of(job)),
      outcome_(job.outcome()),
      job_id_(job.id()),
      attempts_(static_cast<int>(job.attempts().size())),
      worker_pid_(job.attempts().empty() ? 0 : job.attempts().back().worker_pid) {}

void throw_failure(const Job& job) {
  std::visit(Thrower{job}, job.outcome());
  throw JobFailed(job);  // not reached
}

}  // namespace prong
