#include "prong/function.h"

namespace prong {
namespace {

void require_kind(const Pool& pool, bool commands) {
  if ((pool.options().start == StartKind::kCommand) == commands) return;
  throw UsageError(commands ? "this pool runs functions; for commands make one with StartKind::kCommand"
                            : "this pool runs commands (StartKind::kCommand); functions need a pool of another kind");
}

}  // namespace

JobPtr PoolView::submit_call(Payload call) {
  require_kind(*pool_, false);
  return pool_->submit(JobSpec{.payload = std::move(call), .options = options_});
}

std::vector<JobPtr> PoolView::submit_calls(std::vector<JobSpec> calls) {
  require_kind(*pool_, false);
  return pool_->submit_all(std::move(calls));
}

Future<CommandResult> PoolView::submit(const Command& command) {
  require_kind(*pool_, true);
  return {*pool_, pool_->submit(JobSpec{.payload = encode(command), .options = options_})};
}

Future<CommandResult> Pool::submit(const Command& command) {
  return PoolView(*this, nullptr).submit(command);
}

PoolView Pool::options(JobOptions job_options) {
  check(job_options);
  return PoolView(*this, std::make_shared<const JobOptions>(std::move(job_options)));
}

}  // namespace prong
