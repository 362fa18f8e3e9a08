#include "prong/future.h"

namespace prong {

void AnyFuture::wait_until_done() const {
  pool_->wait([this] { return done(); });
}

bool AnyFuture::wait_until(std::chrono::steady_clock::time_point time) const {
  if (done()) return true;
  const auto deadline = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  pool_->wait([this] { return done(); }, {.deadline = deadline});
  return done();
}

bool AnyFuture::cancel() {
  return done() ? job_->was_cancelled() : pool_->cancel(job_);  // the pool may be gone when the job is done
}

bool AnyFuture::kill() {
  return !done() && pool_->kill(job_);
}

CommandResult Future<CommandResult>::get() const {
  CommandResult result{.outcome = outcome(), .attempts = static_cast<int>(job()->attempts().size())};
  if (result.attempts == 0) return result;
  result.output = job()->attempts().back().output;
  result.error_output = job()->attempts().back().error_output;
  return result;
}

}  // namespace prong
