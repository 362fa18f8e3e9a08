#include "pool/worker_loop.h"

#include <atomic>
#include <cstring>
#include <string>

#include "base/codec.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/stacks.h"
#include "os/this_process.h"
#include "pool/usage_meter.h"
#include "prong/error.h"

namespace prong::pool {
namespace {

std::atomic<bool> in_worker_process{false};
/// Set in what a job forks: such a copy must never answer in its worker's place.
std::atomic<bool> in_forked_copy{false};

void leave_if_copy(JobRunner& runner) {
  if (!in_forked_copy.load(std::memory_order_relaxed)) return;
  runner.before_exit();
  os::exit_now(0);
}

Raised failure(const char* type, const char* message) {
  return {.type = type, .message = message};
}

class Worker final : private ResultSink, private ItemSink {
 public:
  Worker(WorkerDescriptors descriptors, JobRunner& runner)
      : channel_(std::move(descriptors.segment), std::move(descriptors.doorbell)),
        control_(std::move(descriptors.control),
                 [this](auto lease, auto id, auto state) { channel_.return_block(lease, id, state); }),
        stacks_(control_.stacks()),
        runner_(runner) {
    os::report_stacks(stacks_.get(), channel_.doorbell());
  }

  [[noreturn]] void run() {
    runner_.report_stacks(os::stack_signal(), stacks_.get());
    for (;;) {
      channel_.take(request_);
      result_ = {};
      result_.sequence = request_.sequence;
      result_.started_ns = channel_.started_ns();
      if (meter_.begin(result_.started_ns)) result_.started_ns = os::monotonic_now();
      answered_ = false;
      serve();
      leave_if_copy(runner_);
      if (!answered_) returned({});
      if (request_.kind == ipc::RequestKind::kFinish) {
        runner_.before_exit();
        os::exit_now(0);
      }
    }
  }

 private:
  void serve() {
    // The runner may keep the payload, so that inline bytes must not stay in the ring.
    const Payload payload = control_.payload_of(request_);
    switch (request_.kind) {
      case ipc::RequestKind::kDefine:
        return runner_.define(static_cast<DefinitionId>(request_.job), payload);
      case ipc::RequestKind::kForget:
        return runner_.forget(static_cast<DefinitionId>(request_.job));
      case ipc::RequestKind::kRelease:
        return;
      case ipc::RequestKind::kInitialize:
        return runner_.initialize(payload, *this);
      case ipc::RequestKind::kRun:
        return runner_.run(request_.job, static_cast<int>(request_.attempt), payload, *this);
      case ipc::RequestKind::kFinish:
        if (!payload.empty()) runner_.finalize(payload, *this);
        return;
      case ipc::RequestKind::kBatch:
        runner_.run_items(request_.job, payload, *this);
        return end_items();
    }
  }

  void returned(std::span<const ByteSpan> parts) override { publish(ipc::ResultKind::kReturned, parts); }

  void raised(const Raised& raised, ByteSpan value) override {
    const std::string encoded = base::encode_raised(raised, value);
    const ByteSpan parts[] = {as_bytes(encoded)};
    publish(ipc::ResultKind::kRaised, parts);
  }

  void publish(ipc::ResultKind kind, std::span<const ByteSpan> parts) {
    leave_if_copy(runner_);
    answered_ = true;
    result_.kind = kind;
    note_end();
    const std::size_t size = total_size(parts);
    if (size <= ipc::kInlineLimit) return channel_.publish(result_, parts);
    publish_in_block(size, parts);
  }

  void publish_in_block(std::size_t size, std::span<const ByteSpan> parts) {
    if (const int error = write_block(result_, size, parts)) return refuse(size, error);
    channel_.publish(result_, {});
  }

  /// Asks for a block and writes the parts into it. Returns 0, or why there is none.
  int write_block(ipc::Result& result, std::size_t size, std::span<const ByteSpan> parts) {
    ipc::Result notice = result_;
    notice.kind = ipc::ResultKind::kNeedBlock;
    notice.block_size = size;
    channel_.publish_notice(notice);
    ipc::ControlReceiver::Grant grant = control_.result_block();
    if (!grant.segment) return grant.error;
    grant.write(parts);
    grant.segment.reset();  // before anybody can use it
    result.block = grant.id;
    result.block_size = size;
    return 0;
  }

  // A batch.

  std::optional<std::uint32_t> next() override {
    leave_if_copy(runner_);
    return channel_.claim_item();
  }

  int put(std::span<const ByteSpan> parts) override {
    leave_if_copy(runner_);
    const std::size_t size = total_size(parts);
    if (size > ipc::kInlineLimit) return put_in_block(size, parts);
    if (channel_.keep_item(parts)) return 0;
    channel_.publish_items(notice_of_items());
    channel_.keep_item(parts);
    return 0;
  }

  int put_in_block(std::size_t size, std::span<const ByteSpan> parts) {
    channel_.publish_items(notice_of_items());
    ipc::Result notice = notice_of_items();
    if (const int error = write_block(notice, size, parts)) return error;
    notice.code = 1;
    channel_.publish_notice(notice);
    channel_.pass_over_item();
    return 0;
  }

  ipc::Result notice_of_items() const {
    ipc::Result notice;
    notice.kind = ipc::ResultKind::kItems;
    return notice;
  }

  void end_items() {
    leave_if_copy(runner_);
    answered_ = true;
    note_end();
    channel_.publish_items(result_);
  }

  void note_end() {
    result_.ended_ns = os::monotonic_now();
    const os::Usage usage = meter_.end(result_.started_ns, result_.ended_ns);
    result_.cpu_ns = usage.cpu_time.count();
    result_.peak_memory = usage.peak_memory;
  }

  void refuse(std::size_t size, int error) {
    const SystemError refusal("reserve " + std::to_string(size) + " bytes of shared memory for the result", error);
    const std::string encoded = base::encode_raised(failure("builtins.MemoryError", refusal.what()), {});
    const ByteSpan parts[] = {as_bytes(encoded)};
    result_.kind = ipc::ResultKind::kRaised;
    channel_.publish(result_, parts);
  }

  ipc::WorkerChannel channel_;
  ipc::ControlReceiver control_;
  os::Fd stacks_;
  JobRunner& runner_;
  UsageMeter meter_;
  ipc::Request request_;
  ipc::Result result_;
  bool answered_ = false;
};

}  // namespace

void settle_worker(int launcher_pid) {
  os::die_with_parent(launcher_pid);
  try {
    os::become_subreaper();
  } catch (const SystemError&) {
    // Then what jobs leave goes to the launcher at once.
  }
  os::disable_core_dumps();
  os::prefer_as_oom_victim();
  os::after_fork_in_child([] { in_forked_copy.store(true, std::memory_order_relaxed); });
  in_worker_process.store(true, std::memory_order_relaxed);
  in_forked_copy.store(false, std::memory_order_relaxed);
}

void run_worker(WorkerDescriptors descriptors, JobRunner& runner) {
  // Never destroyed: what jobs keep gives its memory back through it until the process ends.
  (new Worker(std::move(descriptors), runner))->run();
}

}  // namespace prong::pool

namespace prong {

void JobRunner::run_items(JobId, const Payload&, ItemSink&) {
  throw UsageError("this program's workers run no batches");
}

bool in_worker() noexcept {
  return pool::in_worker_process.load(std::memory_order_relaxed);
}

}  // namespace prong
