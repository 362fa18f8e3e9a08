// The one place where the parts are wired together: the public Pool over the coordinator.
#include "prong/pool.h"

#include "os/available_memory.h"
#include "os/cpus.h"
#include "os/thread.h"
#include "pool/coordinator.h"
#include "prong/error.h"
#include "prong/init.h"

namespace prong {

int usable_cpus() {
  return os::fair_share_of_cpus();
}

std::uint64_t available_memory() {
  return os::available_memory();
}

Pool::Pool(PoolOptions options) {
  options = detail::with_own_workers(std::move(options));
  check(options);
  coordinator_ = std::make_shared<Coordinator>(std::move(options));
}

Pool::~Pool() {
  if (!coordinator_->is_owner()) {
    // A copy made by fork(): its threads do not exist and its processes are the parent's. Nothing may be touched.
    static_cast<void>(new std::shared_ptr<Coordinator>(std::move(coordinator_)));
    return;
  }
  terminate();
  join();
}

DefinitionPtr Pool::define(Payload definition) {
  coordinator_->check_owner();
  return coordinator_->define(std::move(definition));
}

JobPtr Pool::submit(JobSpec spec) {
  coordinator_->check_owner();
  if (spec.options) check(*spec.options);
  return coordinator_->submit(std::move(spec));
}

std::vector<JobPtr> Pool::submit_all(std::vector<JobSpec> specs) {
  coordinator_->check_owner();
  const JobOptions* checked = nullptr;
  for (const JobSpec& spec : specs) {
    if (spec.options && spec.options.get() != checked) check(*spec.options);
    checked = spec.options.get();
  }
  return coordinator_->submit_all(std::move(specs));
}

bool Pool::cancel(const JobPtr& job) {
  coordinator_->check_owner();
  return coordinator_->cancel(job);
}

bool Pool::withdraw(const JobPtr& job) {
  coordinator_->check_owner();
  return coordinator_->withdraw(job);
}

bool Pool::kill(const JobPtr& job) {
  coordinator_->check_owner();
  return coordinator_->kill(job);
}

WaitResult Pool::wait(const std::function<bool()>& ready, const WaitOptions& options) {
  coordinator_->check_owner();
  return coordinator_->wait(ready, options);
}

bool Pool::watch(const JobPtr& job) {
  coordinator_->check_owner();
  return coordinator_->watch(job);
}

void Pool::set_watcher(std::function<void(std::span<const JobPtr>)> watcher) {
  coordinator_->set_watcher(std::move(watcher));
}

void Pool::resize(int workers) {
  coordinator_->check_owner();
  coordinator_->resize(workers);
}

void Pool::close() {
  coordinator_->check_owner();
  coordinator_->close();
}

void Pool::terminate() {
  coordinator_->check_owner();
  coordinator_->terminate();
}

WaitResult Pool::join(const WaitOptions& options) {
  if (!closed()) throw UsageError("join() waits for the end of the pool: call close() or terminate() first");
  return wait([this] { return coordinator_->ended(); }, options);
}

bool Pool::closed() const {
  coordinator_->check_owner();
  return coordinator_->closed();
}
std::string Pool::failure() const {
  coordinator_->check_owner();
  return coordinator_->failure();
}
PoolStats Pool::stats() const {
  coordinator_->check_owner();
  return coordinator_->stats();
}
std::vector<WorkerInfo> Pool::workers() const {
  coordinator_->check_owner();
  return coordinator_->workers();
}
std::vector<Outcome> Pool::finalizer_outcomes() const {
  coordinator_->check_owner();
  return coordinator_->finalizer_outcomes();
}
const PoolOptions& Pool::options() const {
  return coordinator_->options();
}

}  // namespace prong
