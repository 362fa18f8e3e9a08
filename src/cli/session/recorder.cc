#include "cli/session/recorder.h"

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

// A run that is continued may have nothing to do for long.
constexpr std::uint64_t kMostUncommitted = 10'000;

std::string state_folder() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/prong";
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home == '\0')
    throw UsageError(
        "--name: neither XDG_STATE_HOME nor HOME says where journals are; set one of them, or write --journal FILE");
  return std::string(home) + "/.local/state/prong";
}

/// `state`: in which the journal has the job.
bool is_to_be_run(JobState state, const JournalSettings& settings) {
  switch (state) {
    case JobState::kDone:
      return false;
    case JobState::kFailed:
      return settings.retry_failed;
    case JobState::kDispatched:
      if (settings.leave_unknown) return false;
      break;
    case JobState::kNew:
    case JobState::kQueued:
      break;
  }
  return settings.resume || !settings.retry_failed;
}

std::string jobs(std::uint64_t count) {
  return count == 1 ? "1 job" : fmt::format("{} jobs", count);
}

}  // namespace

void check(const JournalSettings& settings) {
  if (!settings.file.empty() && !settings.name.empty())
    throw UsageError("--journal and --name both name a journal; give one of them");
  const bool needs_journal = settings.resume || settings.retry_failed || settings.leave_unknown || settings.durable ||
                             !settings.key_files.empty();
  if (needs_journal && !settings.wanted())
    throw UsageError(
        "--resume, --retry-failed, --leave-unknown, --durable and --key-files need a journal: --journal FILE or --name "
        "NAME");
  if (settings.name.find('/') != std::string::npos || settings.name.starts_with('.'))
    throw UsageError("--name: '" + settings.name + "' is no name, which has no '/' and does not begin with '.'");
}

std::string journal_path_of_name(const std::string& name) {
  return state_folder() + "/" + name + ".journal";
}

std::string journal_path(const JournalSettings& settings) {
  return settings.file.empty() ? journal_path_of_name(settings.name) : settings.file;
}

std::string prepared_journal_path(const JournalSettings& settings) {
  std::string path = journal_path(settings);
  if (settings.file.empty()) {
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
    if (error) throw SystemError("create the folder of the journal '" + path + "'", error.value());
  }
  return path;
}

JobKeys::JobKeys(const JournalSettings& settings, const Task& task) : task_(task) {
  for (const std::string& file : settings.key_files) files_.emplace_back(file, task.replacement_names());
}

ContentKey JobKeys::of(const Input& input) const {
  ContentKey::Maker maker;
  task_.identify(input, maker);
  for (const TemplateString& files : files_)
    for (const std::string& file : files.expand(input)) maker.add(file).add_file(file);
  return maker.make();
}

RecordPreview::RecordPreview(const JournalSettings& settings, const Task& task)
    : settings_(settings), keys_(settings, task) {
  if (!settings.wanted()) return;
  const std::string path = journal_path(settings);
  if (!std::filesystem::exists(path)) return;
  JournalReader reader(path);  // what cannot be written to is refused here, too
  const std::vector<JournalRun> runs = reader.runs();
  constexpr std::int64_t kNone = 0;
  const bool continues = (settings.resume || settings.retry_failed) && !runs.empty();
  reader.each_key(continues ? runs.back().id : kNone,
                  [&](std::string_view key, JobState state) { known_[std::string(key)].push_back(state); });
}

bool RecordPreview::admit(const Input& input) {
  JobState state = JobState::kNew;
  if (const auto found = known_.find(std::string(keys_.of(input).bytes())); found != known_.end()) {
    state = found->second.front();
    found->second.pop_front();
    if (found->second.empty()) known_.erase(found);
  }
  return is_to_be_run(state, settings_);
}

Recorder::Recorder(const JournalSettings& settings, const RunDescription& run, const Task& task)
    : settings_(settings),
      task_(task),
      keys_(settings, task),
      journal_(prepared_journal_path(settings), run,
               {.continues = settings.resume || settings.retry_failed,
                .durable = settings.durable,
                .kept_output = settings.kept_output}) {}

bool Recorder::admit(const Input& input) {
  const JournalEntry entry = journal_.claim(keys_.of(input), input.number);
  if (wanted(entry)) {
    open_.emplace(input.number, entry);
    return true;
  }
  if (++passed_ % kMostUncommitted == 0) commit();
  return false;
}

bool Recorder::wanted(const JournalEntry& entry) {
  const bool is_wanted = is_to_be_run(entry.state, settings_);
  switch (entry.state) {
    case JobState::kDone:
      ++earlier_.done;
      break;
    case JobState::kFailed:
      earlier_.failed += !is_wanted;
      break;
    case JobState::kDispatched:
      if (settings_.leave_unknown) {
        journal_.leave(entry);
        ++earlier_.left;
        break;
      }
      if (settings_.resume) ++run_again_;
      earlier_.not_run += !is_wanted;
      break;
    case JobState::kNew:
    case JobState::kQueued:
      earlier_.not_run += !is_wanted;
      break;
  }
  return is_wanted;
}

void Recorder::begin(const Input& input, const Payload& payload) {
  journal_.begin(
      open_.at(input.number),
      {.number = input.number, .description = task_.describe(input), .input = input.text(), .payload = payload});
}

void Recorder::end(const Job& job) {
  const auto found = open_.find(job.tag());
  journal_.end(found->second, job, task_.succeeded(job), task_.returned(job));
  open_.erase(found);
}

std::string Recorder::summary() const {
  if (!journal_.continued())
    return settings_.retry_failed && !settings_.resume
               ? fmt::format(
                     "the journal has no run before this one, so none has failed: {} not run (--resume runs them)",
                     jobs(earlier_.not_run))
               : std::string();
  std::string text = fmt::format("resumed: {} done before", jobs(earlier_.done));
  if (earlier_.failed > 0) text += fmt::format(", {} failed before (--retry-failed runs them)", earlier_.failed);
  if (earlier_.left > 0) text += fmt::format(", {} of unknown end left as failed", earlier_.left);
  if (earlier_.not_run > 0) text += fmt::format(", {} not run yet (--resume runs them)", earlier_.not_run);
  if (run_again_ > 0) text += fmt::format(", {} that had begun run again", run_again_);
  return text;
}

}  // namespace prong::cli
