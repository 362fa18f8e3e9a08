#include "cli/tasks/function_task.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/output/pieces.h"
#include "cli/results/sqlite_results.h"
#include "cli/tasks/map_result.h"
#include "cli/tasks/python.h"
#include "cli/tasks/shell_text.h"
#include "prong/error.h"

namespace prong::cli {

namespace {

// As long as the user waits: there is no other time by which what it does must have been done.
constexpr std::chrono::nanoseconds kNoLimit = std::chrono::years(1);

// For which parameters of the function the values of inputs are: with CSV those that its columns are named after.
Words parameters_of(const SourceSettings& sources, const Words& columns) {
  if (!sources.is_csv()) return {};
  Words sorted = columns;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end())
    throw UsageError("--csv: two columns are named '" + *twice + "'; each is to be a parameter of the function");
  return columns;
}

// Of a call, for its identity.
std::string_view kind_of(MapInput input, bool by_name) {
  if (by_name) return "function, by name";
  switch (input) {
    case MapInput::kText:
      return "function";
    case MapInput::kJson:
      return "function, JSON";
    case MapInput::kUnpacked:
      break;
  }
  return "function, JSON unpacked";
}

}  // namespace

FunctionTask::FunctionTask(MapOptions options, const SourceSettings& sources, Words columns)
    : options_(std::move(options)), parameters_(parameters_of(sources, columns)) {
  names_.columns = std::move(columns);
}

PoolOptions FunctionTask::pool_options() const {
  PoolOptions options;
  options.start = StartKind::kFresh;
  options.program = python_map_worker(options_);
  // The worker's initializer imports the function, so that a wrong name ends everything with one message.
  options.initializer = encode_map_input(parameters_);
  if (!options_.last.empty()) {
    options.finalizer = encode_map_input({});
    options.finalizer_timeout = kNoLimit;
  }
  return options;
}

Payload FunctionTask::payload(Input& input, const OutputPaths*) const {
  return encode_map_input(input.values);
}

void FunctionTask::identify(const Input& input, ContentKey::Maker& maker) const {
  maker.add(kind_of(options_.input, !parameters_.empty())).add(options_.function);
  for (const std::string& name : parameters_) maker.add(name);
  for (const std::string& value : input.values) maker.add(value);
}

std::string_view FunctionTask::returned(const Job& job) const {
  const auto* returned = std::get_if<Returned>(&job.outcome());
  if (!returned) return {};
  std::string_view text = decode_map_value(returned->value);
  if (options_.result == MapResult::kCells) text.remove_prefix(std::min<std::size_t>(1, text.size()));
  if (options_.result == MapResult::kLines && text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

std::string FunctionTask::describe(const Input& input) const {
  Words words = input.values;
  if (words.size() == parameters_.size())
    for (std::size_t i = 0; i < words.size(); ++i) words[i].insert(0, parameters_[i] + "=");
  return options_.function + " " + shell_join(words);
}

bool FunctionTask::succeeded(const Job& job) const {
  return prong::succeeded(job.outcome(), false);
}

void FunctionTask::show(const Input& input, const Job& job, const std::string& prefix, Sink& sink) const {
  if (options_.result == MapResult::kCells) return;
  if (options_.result == MapResult::kJson)
    sink.write(map_json(input, {options_.input, parameters_}, job) + "\n");
  else if (const auto* returned = std::get_if<Returned>(&job.outcome()))
    Prefixer(prefix).put(decode_map_value(returned->value), [&](std::string_view lines) { sink.write(lines); });
}

Outputs FunctionTask::outputs(const Job& job) const {
  if (!std::holds_alternative<Returned>(job.outcome())) return {};
  return {.output = Payload::copy_of(std::string(returned(job)) + "\n"), .error_output = {}};
}

std::unique_ptr<ResultStore> FunctionTask::result_store() const {
  if (options_.result != MapResult::kCells) return nullptr;
  return std::make_unique<SqliteResults>(options_.sqlite_file, options_.table, InputStyle{options_.input, parameters_});
}

std::string FunctionTask::complaint(const Job& job) const {
  return prong::describe(job.outcome());
}

// Functions are loaded by an initializer that the user knows nothing of.
std::string FunctionTask::explain(const std::string& failure) const {
  constexpr std::string_view kOwn = "the initializer raised ImportError: ";
  const bool is_own = failure.starts_with(std::string(kOwn) + "cannot load ");
  return is_own ? failure.substr(kOwn.size()) : failure;
}

}  // namespace prong::cli
