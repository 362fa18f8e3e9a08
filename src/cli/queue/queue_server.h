// QueueServer: a queue that stays, fed by other processes of the same user. An orchestrator: the parts know how.
//
//   ControlServer ─> hear ─> QueueJobs ─> start ─> QueuePools ─> collect ─> QueueJobs ─> QueueWaits
//
// Each round changes the journal first, then commits, and only then does what follows: a submitter is told that its job
// is there, a pool what to run, who waits that it has ended. So nothing that was told is forgotten when this process is
// killed. If a round cannot be committed (a full disk), journal and memory are as before it, what has ended is kept for
// a later round, and until that is committed, requests that would change the journal are refused.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/queue/queue_jobs.h"
#include "cli/queue/queue_pools.h"
#include "cli/queue/queue_state.h"
#include "cli/queue/queue_submission.h"
#include "cli/queue/queue_waits.h"
#include "cli/system/control_socket.h"
#include "cli/system/file_number.h"
#include "cli/system/signals.h"
#include "prong/journal.h"

namespace prong::cli {

struct QueueSettings {
  std::string name;
  int workers = 0;  ///< 0: one per usable CPU
  bool durable = false;
  IfLost if_lost = IfLost::kFail;                       ///< of jobs that do not say
  std::uint64_t kept_output = std::uint64_t{64} << 20;  ///< of each attempt's output, and of its error output
};

class QueueServer {
 public:
  /// Throws JournalError, SystemError, UsageError: the queue is served already, among others.
  QueueServer(const QueueSettings& settings, Signals& signals);

  /// Until it is asked to end, or drained.
  void run();

 private:
  using Request = ControlServer::Request;
  using Requests = std::vector<Request>;
  /// Made when the round is committed; null: it comes later.
  using Answer = std::function<nlohmann::json()>;
  struct NotStarted {
    std::string why{};
    bool its_fault = false;  ///< else it is queued again
  };
  struct Running {
    QueuedRun run{};           ///< without a job: it could not be started
    bool cancelled = false;    ///< on request
    bool interrupted = false;  ///< killed because the server ends
    std::optional<NotStarted> not_started{};
  };

  bool over() const;
  void heed_signals();
  void finish();

  /// True: committed. False: nothing is changed, because the journal cannot be written.
  bool change(const std::function<void()>& changes);
  /// Throws JournalUnavailable if the journal is not where it was.
  void require_file() const;
  void begin_trouble(const std::string& why);
  void end_trouble();
  /// Throws UsageError if the journal cannot be written.
  void require_journal() const;
  void follow();

  void hear(const Requests& requests);
  /// These change the journal, and nothing else: what more there is to do is done by the answer.
  Answer carry_out(const Request& request);
  Answer submit(const nlohmann::json& request);
  Answer cancel(const nlohmann::json& request);
  Answer retry(const nlohmann::json& request);
  bool kill(std::uint64_t number);
  Answer set_paused(bool paused);
  Answer clean(const nlohmann::json& request);
  Answer drain(std::uint64_t client);
  Answer wait(const Request& request);
  Answer status(const nlohmann::json& request);
  Answer status_of_queue() {
    return [this] { return report(); };
  }
  void begin_wait(std::uint64_t client, std::vector<std::uint64_t> numbers);
  nlohmann::json report();
  nlohmann::json report_of(std::uint64_t number, bool with_outputs);

  void collect();
  void settle();
  void settle(std::uint64_t number, const Running& running);
  void put_back(std::uint64_t number, const std::string& why);
  void take();
  void start_taken();
  void start(const TakenJob& job);
  void tell_waiters();
  void sleep();
  void say(const std::string& message) const;

  const QueueSettings& settings_;
  Signals& signals_;
  int workers_;
  std::string path_;
  QueueJobs jobs_;
  FileNumber file_;  ///< of path_
  JournalReader reader_;
  QueuePools pools_;
  QueueWaits waits_;
  ControlServer server_;
  MonotonicNs began_ = monotonic_now();
  QueueState state_;
  std::unordered_map<std::uint64_t, Running> running_;
  std::vector<std::uint64_t> ended_;              ///< of these, what the journal does not know yet
  std::vector<TakenJob> taken_;                   ///< from the journal, not yet given to a pool
  std::vector<std::function<void()>> following_;  ///< what is done when the round is committed
  std::vector<std::uint64_t> drainers_;           ///< who wait for the end
  std::string trouble_;                           ///< why the journal cannot be written; empty: it can
  MonotonicNs next_try_ = 0;
};

}  // namespace prong::cli
