#include "cli/session/presenter.h"

#include <utility>

#include <fmt/format.h>

namespace prong::cli {
namespace {

constexpr std::size_t kLongestDescription = 200;

std::string shortened(std::string text) {
  if (text.size() <= kLongestDescription) return text;
  text.resize(kLongestDescription);
  return text + "...";
}

}  // namespace

std::string name_of_job(const Task& task, const Input& input) {
  return fmt::format("job {} '{}'", input.number, shortened(task.describe(input)));
}

Presenter::Presenter(const Settings& settings, const Task& task, const std::vector<std::string>& column_names,
                     Progress& progress, std::function<bool()> give_up)
    : settings_(settings),
      task_(task),
      progress_(progress),
      output_(1, 2, std::move(give_up)),
      display_(settings.keep_order, output_) {
  if (!settings.job_log.empty()) job_log_.emplace(settings.job_log);
  if (settings.line_buffer) live_.emplace();
  if (!settings.results.empty()) result_files_ = open_result_files(settings.results, column_names, settings.keep_order);
}

void Presenter::show_live() {
  if (live_) live_->show(screen());
}

std::optional<OutputPaths> Presenter::begin(const Input& input) {
  if (!live_) return std::nullopt;
  return live_->begin(input.number, prefix_of(input));
}

void Presenter::show_start(const Input& input) {
  task_.show_start(input, screen()(input.number));
}

void Presenter::end(const Input& input, const Job& job, Telling telling) {
  const LiveOutput::Sizes live_sizes = live_ ? live_->end(input.number, screen()) : LiveOutput::Sizes();
  if (telling != Telling::kEventAlone) write_down(input, job, live_sizes);
  if (telling != Telling::kEventAlone || settings_.events) show(input, job, telling == Telling::kAll);
  pass_over(input.number);
}

// Others wait for their turn behind it.
void Presenter::pass_over(std::uint64_t number) {
  if (result_files_) result_files_->end(number);
  display_.end(number);
}

void Presenter::say(const std::string& message) {
  progress_.erase();
  output_.write_error("prong: " + message + "\n");
  output_.flush();
}

void Presenter::flush() {
  output_.flush();
  if (job_log_) job_log_->flush();
}

LiveOutput::SinkOf Presenter::screen() {
  return [this](std::uint64_t number) -> Sink& {
    progress_.erase();
    return display_.of(number);
  };
}

std::string Presenter::prefix_of(const Input& input) const {
  return settings_.tag ? input.text() + "\t" : "";
}

void Presenter::write_down(const Input& input, const Job& job, const LiveOutput::Sizes& live_sizes) {
  if (!job_log_ && !result_files_) return;
  JobLogEntry entry = joblog_entry(input.number, job, task_.describe(input));
  if (live_) entry.output_bytes = live_sizes.output;
  if (job_log_) job_log_->add(entry);
  if (!result_files_) return;
  Outputs outputs = task_.outputs(job);
  result_files_->add({.input = input,
                      .entry = std::move(entry),
                      .output = std::move(outputs.output),
                      .error_output = std::move(outputs.error_output)});
}

void Presenter::show(const Input& input, const Job& job, bool complains) {
  Sink& sink = screen()(input.number);
  if (!result_files_) task_.show(input, job, prefix_of(input), sink);
  if (complains && !task_.succeeded(job)) complain(input, job, sink);
}

void Presenter::complain(const Input& input, const Job& job, Sink& sink) {
  const std::string complaint = task_.complaint(job);
  if (complaint.empty()) return;
  const std::size_t attempts = job.attempts().size();
  sink.write_error(fmt::format("prong: {}: {}{}\n", name_of_job(task_, input), complaint,
                               attempts > 1 ? fmt::format(" ({} attempts)", attempts) : ""));
}

}  // namespace prong::cli
