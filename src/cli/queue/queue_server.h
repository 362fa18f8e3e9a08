// QueueServer: a queue that stays, fed by other processes of the same user. An orchestrator: the parts know how.
//
//   ControlServer ─> hear ─> QueueJobs ─> start ─> QueuePools ─> collect ─> QueueJobs ─> QueueWaits
//
// Each round changes the journal first, then commits, and only then tells anybody: a submitter that its job is there, a
// pool what to run, who waits that it has ended. So nothing that was told is forgotten when this process is killed.
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
#include "cli/queue/queue_submission.h"
#include "cli/queue/queue_waits.h"
#include "cli/system/control_socket.h"
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
  struct Answer {
    std::uint64_t client;
    std::function<nlohmann::json()> make;  ///< called when all is committed
  };
  struct Running {
    QueuedRun run;
    bool cancelled = false;  ///< on request
  };

  bool over() const;
  void heed_signals();

  void hear();
  /// Null: the answer comes later. So it is with those that follow.
  nlohmann::json carry_out(const Request& request);
  nlohmann::json submit(const nlohmann::json& request);
  nlohmann::json cancel(const nlohmann::json& request);
  nlohmann::json retry(const nlohmann::json& request);
  nlohmann::json drain(std::uint64_t client);
  nlohmann::json wait(const Request& request);
  nlohmann::json report();
  nlohmann::json report_of(std::uint64_t number, bool with_outputs);

  void collect();
  void take();
  void start_taken();
  void put_back(std::uint64_t number, const std::string& why);
  void answer();
  static nlohmann::json made(const Answer& answer);
  void sleep();
  void say(const std::string& message) const;

  const QueueSettings& settings_;
  Signals& signals_;
  int workers_;
  std::string path_;
  QueueJobs jobs_;
  JournalReader reader_;
  QueuePools pools_;
  QueueWaits waits_;
  ControlServer server_;
  MonotonicNs began_ = monotonic_now();
  std::unordered_map<std::uint64_t, Running> running_;
  std::vector<TakenJob> taken_;  ///< from the journal, not yet given to a pool
  std::vector<Answer> answers_;
  std::vector<std::uint64_t> drainers_;  ///< who wait for the end
  int failed_starts_ = 0;                ///< in a row
  bool draining_ = false;
  bool stopping_ = false;
  bool killed_ = false;
};

}  // namespace prong::cli
