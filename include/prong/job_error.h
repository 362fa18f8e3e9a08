// What Future::get, Pool::map and prong::call throw when a job did not return. One type per kind of Outcome.
//
//   Error
//   ├── CodecError         bytes are not what the type that is read from them expects
//   └── JobFailed          root; carries the Outcome
//       ├── JobRaised      the function threw: name of the exception's type, what() and nested causes
//       ├── JobExited      the function ended its process (exit, _exit, quick_exit), or a command ended with this code
//       ├── JobSignalled   a crash: killed by a signal that Prong did not send
//       ├── JobTimedOut    a limit was met
//       ├── JobCancelled   cancelled by request
//       └── JobLost        what became of it is not known
//
// What was thrown in the worker is never thrown again here under its own type: a std::out_of_range of a job must not be
// taken for one of the program.
#pragma once

#include <string>

#include "prong/error.h"
#include "prong/job.h"
#include "prong/outcome.h"

namespace prong {

class CodecError : public Error {
 public:
  using Error::Error;
};

class JobFailed : public Error {
 public:
  /// Requires job.done().
  explicit JobFailed(const Job& job);

  const Outcome& outcome() const noexcept { return outcome_; }
  JobId job_id() const noexcept { return job_id_; }
  /// How many attempts were made; 0 if it never started.
  int attempts() const noexcept { return attempts_; }
  /// Process id of the last attempt's worker, or 0.
  int worker_pid() const noexcept { return worker_pid_; }

 private:
  Outcome outcome_;
  JobId job_id_;
  int attempts_;
  int worker_pid_;
};

class JobRaised : public JobFailed {
 public:
  using JobFailed::JobFailed;
  /// Name of the exception's type, e.g. "std::out_of_range".
  const std::string& type() const noexcept { return std::get<Raised>(outcome()).type; }
  /// What what() gave.
  const std::string& message() const noexcept { return std::get<Raised>(outcome()).message; }
  /// One line for each nested cause (std::throw_with_nested); empty if there is none.
  const std::string& causes() const noexcept { return std::get<Raised>(outcome()).traceback; }
};

class JobExited : public JobFailed {
 public:
  using JobFailed::JobFailed;
  int code() const noexcept { return std::get<Exited>(outcome()).code; }
};

class JobSignalled : public JobFailed {
 public:
  using JobFailed::JobFailed;
  int number() const noexcept { return std::get<Signalled>(outcome()).number; }
};

class JobTimedOut : public JobFailed {
 public:
  using JobFailed::JobFailed;
  Limit limit() const noexcept { return std::get<TimedOut>(outcome()).limit; }
};

class JobCancelled : public JobFailed {
 public:
  using JobFailed::JobFailed;
};

class JobLost : public JobFailed {
 public:
  using JobFailed::JobFailed;
  LostReason reason() const noexcept { return std::get<Lost>(outcome()).reason; }
};

/// Throws the type above that suits the job's outcome. Requires that the job is done and did not return.
[[noreturn]] void throw_failure(const Job& job);

}  // namespace prong
