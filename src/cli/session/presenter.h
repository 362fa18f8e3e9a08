// Presenter: what users get of a run: outputs as they come or as a whole, complaints, results in files, the job log,
// and what is said about the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <poll.h>

#include "cli/options/settings.h"
#include "cli/output/display.h"
#include "cli/output/live_output.h"
#include "cli/output/output.h"
#include "cli/results/joblog.h"
#include "cli/results/result_files.h"
#include "cli/session/progress.h"
#include "cli/tasks/task.h"

namespace prong::cli {

/// What messages call a job.
std::string name_of_job(const Task& task, const Input& input);

/// All that shows something throws OutputClosed, SystemError.
class Presenter {
 public:
  /// What is shown goes around the line of `progress`. `give_up`: as of Output. All must outlive it.
  Presenter(const Settings& settings, const Task& task, const std::vector<std::string>& column_names,
            Progress& progress, std::function<bool()> give_up);

  /// Outputs are shown as they come (--line-buffer).
  bool is_live() const { return live_.has_value(); }
  /// Of a live one, with what to sleep until something comes.
  std::span<pollfd> watched() { return live_->watched(); }
  /// Shows what has come.
  void show_live();

  /// A job is about to be given to the pool. Of a live one: where it shall write to.
  std::optional<OutputPaths> begin(const Input& input);
  /// It was.
  void show_start(const Input& input);

  enum class Telling {
    kAll,
    kNoComplaint,  ///< it was killed with the run
    kEventAlone,   ///< it counts as not done, because the run ended early
  };
  /// All that there is to show and to write down of a job that has ended.
  void end(const Input& input, const Job& job, Telling telling);
  /// Nothing is shown of this one: others may have waited for it.
  void pass_over(std::uint64_t number);

  /// Jobs whose outputs wait for their turn.
  std::size_t held() const { return display_.held(); }

  /// A message about the run, at once.
  void say(const std::string& message);
  void flush();

 private:
  LiveOutput::SinkOf screen();
  std::string prefix_of(const Input& input) const;
  void write_down(const Input& input, const Job& job, const LiveOutput::Sizes& live_sizes);
  void show(const Input& input, const Job& job, bool complains);
  void complain(const Input& input, const Job& job, Sink& sink);

  const Settings& settings_;
  const Task& task_;
  Progress& progress_;
  Output output_;
  Display display_;
  std::optional<JobLog> job_log_;
  std::optional<LiveOutput> live_;             ///< --line-buffer
  std::unique_ptr<ResultFiles> result_files_;  ///< null: outputs are shown
};

}  // namespace prong::cli
