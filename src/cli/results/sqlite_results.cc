#include "cli/results/sqlite_results.h"

#include <time.h>

#include <optional>
#include <utility>

#include "cli/system/signals.h"

namespace prong::cli {
namespace {

constexpr const char* kAllValues = "input";
constexpr double kNsPerSecond = 1e9;

double clock_offset() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec - monotonic_now()) / kNsPerSecond;
}

// A row may have fewer or more values than there are columns: then its job has failed, and says so.
std::vector<std::optional<std::string_view>> in_columns(const Values& values, std::size_t columns) {
  std::vector<std::optional<std::string_view>> cells(values.begin(), values.end());
  cells.resize(columns);
  return cells;
}

void describe_failure(const Outcome& outcome, ResultRow& row) {
  const auto* raised = std::get_if<Raised>(&outcome);
  if (raised) row.exception = raised->type;
  row.message = raised ? raised->message : describe(outcome);
}

}  // namespace

SqliteResults::SqliteResults(const std::string& file, const std::string& table, InputStyle style)
    : style_(std::move(style)),
      table_(file, table, style_.names.empty() ? Words{kAllValues} : style_.names),
      clock_offset_s_(clock_offset()) {}

void SqliteResults::add(const Input& input, const Job& job) {
  const std::string all = style_.names.empty() ? map_input_text(input.values, style_) : "";
  ResultRow row{.number = input.number,
                .outcome = outcome_name(job.outcome()),
                .attempts = job.attempts().size(),
                .seconds = seconds_of(job),
                .finished = clock_offset_s_ + static_cast<double>(job.finished()) / kNsPerSecond};
  if (style_.names.empty())
    row.inputs.emplace_back(all);
  else
    row.inputs = in_columns(input.values, style_.names.size());
  if (const auto* returned = std::get_if<Returned>(&job.outcome()))
    row.value = decode_map_cell(returned->value);
  else
    describe_failure(job.outcome(), row);
  table_.add(row);
}

}  // namespace prong::cli
