// Session: runs one job per input and shows what they came to. An orchestrator: the parts know how.
//
//   Inputs ─> feed ─> Pool ─> collect ─> JobLog, Tally
//                                 └────> Ordered ─> show ─> Output
//
// No more jobs are in the pool than keep the workers busy, so inputs are read lazily.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "cli/inputs.h"
#include "cli/joblog.h"
#include "cli/ordered.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "cli/task.h"

namespace prong::cli {

class Session {
 public:
  Session(const Settings& settings, const Task& task, Inputs& inputs, Signals& signals);

  /// Until all inputs are done or it is asked to stop. Returns the exit status. Throws OutputClosed, Error.
  int run();

 private:
  struct Flight {
    Input input;
    JobPtr job;
    bool withdrawn = false;  ///< cancelled, because of a signal or of --halt
  };

  bool over() const { return inputs_ended_ && flights_.empty() && batch_.empty(); }
  int status() const;

  void feed();
  void read_ahead();
  bool starts_at_once() const;
  std::size_t room() const;
  std::optional<MonotonicNs> next_due() const;
  void launch();
  Pool& pool();

  void wait();
  void wait_for_jobs(const Signals::Held& held);

  void collect();
  void finish(const JobPtr& job);
  void show(const Flight& flight);
  void complain(const Flight& flight);

  void heed_signals();
  void heed_halt();
  /// Starts no more jobs, and takes back those that have not begun.
  void stop();
  void kill();
  void stop_starting();
  void give_up(const std::string& why);
  void withdraw_queued();
  void say(const std::string& message);

  Tally tally() const;

  const Settings& settings_;
  const Task& task_;
  Inputs& inputs_;
  Signals& signals_;
  std::shared_ptr<const JobOptions> job_options_;
  int workers_;
  std::optional<Pool> pool_;
  std::shared_ptr<CompletionQueue> completions_ = std::make_shared<CompletionQueue>();
  std::vector<Input> batch_;  ///< read, not yet given to the pool
  std::unordered_map<std::uint64_t, Flight> flights_;
  Ordered<Flight> ordered_;
  Output output_;
  std::optional<JobLog> job_log_;
  std::optional<std::uint64_t> total_;
  Progress progress_;
  std::uint64_t started_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  bool inputs_ended_ = false;
  bool stopping_ = false;
  bool killed_ = false;
  bool halted_ = false;         ///< by --halt
  MonotonicNs next_start_ = 0;  ///< no job is started before that
  std::string trouble_;         ///< why the pool takes no more jobs
};

}  // namespace prong::cli
