// Future: what a job will come to, with the type of its result.
//
//   prong::Future<int> future = pool.submit(count_words, path);
//   if (future.succeeded()) use(future.get());
//   else std::cerr << describe(future.outcome()) << '\n';
//
// A handle: copies show the same job. Any thread of the program that made the pool. It may outlive the pool (whose
// destructor ends all jobs), but no thread may be waiting in it while the pool is destroyed.
#pragma once

#include <chrono>
#include <utility>

#include "prong/codec.h"
#include "prong/command_result.h"
#include "prong/job_error.h"
#include "prong/pool.h"

namespace prong {

/// What all futures have, whatever the type of the result. Members that need the job require valid().
class AnyFuture {
 public:
  AnyFuture() = default;
  AnyFuture(Pool& pool, JobPtr job) noexcept : pool_(&pool), job_(std::move(job)) {}

  /// False for a future that was made without a job.
  bool valid() const noexcept { return job_ != nullptr; }
  bool done() const noexcept { return job_->done(); }
  const JobPtr& job() const noexcept { return job_; }

  void wait() const {
    if (!done()) wait_until_done();
  }
  /// True if the job is done at the end.
  template <typename Rep, typename Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(std::chrono::steady_clock::now() +
                      std::chrono::duration_cast<std::chrono::steady_clock::duration>(time));
  }
  bool wait_until(std::chrono::steady_clock::time_point time) const;

  /// Waits, then says what the job came to. Never throws because of the job.
  const Outcome& outcome() const {
    wait();
    return job_->outcome();
  }

  /// Cancels the job if it has not started: true if it is cancelled now (or was before).
  bool cancel();
  /// Cancels the job also if it runs, by killing its process tree. False if it was done already.
  bool kill();

 private:
  void wait_until_done() const;

  Pool* pool_ = nullptr;
  JobPtr job_;
};

template <typename Result>
class Future : public AnyFuture {
 public:
  using AnyFuture::AnyFuture;

  /// Waits; true if the function returned.
  bool succeeded() const {
    wait();
    return job()->value() != nullptr;
  }

  /// Waits, then gives the result (decoded anew by each call). Throws a JobFailed if the job did not return.
  Result get() const {
    wait();
    const Payload* value = job()->value();
    if (value == nullptr) throw_failure(*job());
    if constexpr (!std::is_void_v<Result>) return decode_value<Result>(value->bytes());
  }
};

/// Future of a command: get() does not throw because of what the command did.
template <>
class Future<CommandResult> : public AnyFuture {
 public:
  using AnyFuture::AnyFuture;
  bool succeeded() const { return prong::succeeded(outcome(), true); }
  CommandResult get() const;
};

}  // namespace prong
