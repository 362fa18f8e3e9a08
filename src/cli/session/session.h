// Session: runs one job per input and shows what they came to. An orchestrator: the parts know how.
//
//   Inputs ─> feed ─> Pool ─> collect ─> Recorder, ResultStore, Tally
//                                 └────> Presenter ─> Display ─> Output, or ResultFiles; JobLog
//
// No more jobs are in the pool than keep the workers busy, so inputs are read lazily.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/inputs/inputs.h"
#include "cli/options/settings.h"
#include "cli/session/control.h"
#include "cli/session/early_end.h"
#include "cli/session/job_tokens.h"
#include "cli/session/presenter.h"
#include "cli/session/progress.h"
#include "cli/session/recorder.h"
#include "cli/session/throttle.h"
#include "cli/system/signals.h"
#include "cli/tasks/task.h"

namespace prong::cli {

class Session final : private Controllable {
 public:
  /// `tokens`: of the jobserver that it takes part in; null: none.
  Session(const Settings& settings, const Task& task, Inputs& inputs, const std::vector<std::string>& column_names,
          Signals& signals, JobTokens* tokens);

  /// Until all inputs are done or it is asked to stop. Returns the exit status. Throws OutputClosed, Error.
  int run();

 private:
  struct Start {
    Input input{};
    Payload payload{};  ///< of one that was put back

    bool is_new() const { return payload.empty(); }
  };
  struct Flight {
    Input input;
    JobPtr job;
    Payload payload{};         ///< kept if it may have to be started again
    std::uint64_t launch = 0;  ///< its place in the order of starts
    bool put_back = false;     ///< killed for lack of memory: to be started again
  };

  bool over() const { return inputs_ended_ && flights_.empty() && batch_.empty() && put_back_.empty(); }
  int status() const;
  void close_journal();

  void tell_remains();

  void feed();
  void read_what_can_be();
  void read_ahead();
  Next next_start(Start& start);
  bool starts_at_once() const;
  bool starts_singly() const;
  bool may_start();
  std::size_t room() const;
  std::optional<MonotonicNs> next_due() const;
  Payload payload_of(Input& input);
  void launch();
  Pool& pool();

  void wait();
  void wait_for_jobs(const Signals::Held& held);

  void collect();
  /// What is told to anybody, a killed program must not have forgotten.
  void record(const std::vector<JobPtr>& jobs);
  bool is_withdrawn(const Job& job) const;
  bool is_put_back(const Flight& flight, const Job& job) const;
  void finish(const JobPtr& job);

  void end_workers();
  void wait_for_workers();
  void hear_finalizers();

  void heed_signals();
  void heed_halt();
  void heed_limits(const Job& job);
  void start_budget();
  void heed_budget();
  void heed_memory();
  nlohmann::json report() const override;
  void set_jobs(int jobs) override;
  void set_paused(bool paused) override;
  /// Starts no more jobs, and takes back those that have not begun.
  void stop();
  void kill();
  void stop_starting();
  void give_up(const std::string& why);
  void withdraw_queued();
  void say(const std::string& message) { presenter_.say(message); }
  void say_what_was_skipped();

  Tally tally() const;

  const Settings& settings_;
  const Task& task_;
  Inputs& inputs_;
  Signals& signals_;
  JobTokens* tokens_;
  std::shared_ptr<const JobOptions> job_options_;
  int workers_;
  std::optional<Pool> pool_;
  std::shared_ptr<CompletionQueue> completions_ = std::make_shared<CompletionQueue>();
  std::vector<Start> batch_;    ///< read, not yet given to the pool
  std::deque<Start> put_back_;  ///< to be read again
  std::unordered_map<std::uint64_t, Flight> flights_;
  std::optional<Recorder> recorder_;
  std::unique_ptr<ResultStore> results_;
  std::optional<std::uint64_t> total_;
  MonotonicNs began_ = monotonic_now();
  Progress progress_;
  Presenter presenter_;
  Throttle throttle_;
  Control control_;
  std::uint64_t launches_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t killed_jobs_ = 0;  ///< because the run ended early
  std::uint64_t not_run_ = 0;      ///< read, but not begun when the run ended early
  bool inputs_ended_ = false;
  bool inputs_left_ = false;  ///< not all were read when the run ended early
  bool stopping_ = false;
  bool killed_ = false;
  bool limit_met_ = false;  ///< --budget or --stall has ended jobs
  std::optional<MonotonicNs> budget_until_;
  bool paused_ = false;
  std::optional<MonotonicNs> next_try_;  ///< to start what was read; nothing: when something has happened
  MonotonicNs next_start_ = 0;           ///< no job is started before that
  std::string trouble_;                  ///< why there are no more jobs
};

}  // namespace prong::cli
