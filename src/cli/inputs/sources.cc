#include "cli/inputs/sources.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iterator>
#include <limits>
#include <utility>

#include "cli/inputs/combined_inputs.h"
#include "cli/inputs/unseen_inputs.h"
#include "cli/options/quantities.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kStandardInput = "-";
// As xargs: far below the kernel's limit, which environment variables share.
constexpr std::size_t kMostBytes = std::size_t{128} * 1024;

// What stands between the columns of CSV; nullopt: inputs are no CSV.
std::optional<char> csv_separator(const SourceSettings& settings) {
  if (!settings.is_csv()) return std::nullopt;
  if (settings.delimiter != '\n') throw UsageError("--csv: rows of CSV end with a line end; leave out -0 and -d");
  if (settings.tsv || settings.column_separator.empty()) return settings.tsv ? '\t' : ',';
  const char separator = parse_character(settings.column_separator);
  if (separator == '"' || separator == '\n' || separator == '\r')
    throw UsageError("--csv: '" + settings.column_separator + "' cannot stand between columns; write -C ';'");
  return separator;
}

/// Sources whose inputs go side by side.
using Link = std::vector<std::unique_ptr<Inputs>>;

class Opener {
 public:
  Opener(const SourceSettings& settings, Signals& signals)
      : settings_(settings), csv_separator_(csv_separator(settings)), signals_(signals) {}

  /// False: asked to stop.
  bool open(Arguments& arguments);
  OpenedInputs take();

 private:
  bool open(SourceWords& source);
  std::unique_ptr<Inputs> inputs_of_named(const std::string& file);
  bool add(std::unique_ptr<Inputs> source, bool linked);
  bool take_header(Inputs& source);

  std::unique_ptr<Records> records(const std::string& file) const {
    return csv_separator_ ? csv_records(*csv_separator_, file) : line_records(settings_.delimiter);
  }

  std::unique_ptr<Inputs> inputs_of(const std::string& file) {
    if (file == kStandardInput && std::exchange(standard_input_used_, true))
      throw UsageError("standard input ('-') is named twice as a source of inputs");
    return inputs_from_file(file, records(file), [&signals = signals_] { signals.wake(); });
  }

  const SourceSettings& settings_;
  std::optional<char> csv_separator_;
  Signals& signals_;
  std::vector<Link> links_;
  std::vector<std::string> names_;
  bool standard_input_used_ = false;
};

bool Opener::open(Arguments& arguments) {
  std::vector<std::string> files = settings_.files;
  if (files.empty() && arguments.sources.empty()) {
    if (::isatty(STDIN_FILENO))
      std::fputs(
          "prong: reading inputs from the terminal, one per line; Ctrl-D ends them (on the command line they come "
          "after "
          "':::')\n",
          stderr);
    files.emplace_back(kStandardInput);
  }
  for (const std::string& file : files)
    if (!add(inputs_of(file), false)) return false;
  for (SourceWords& source : arguments.sources)
    if (!open(source)) return false;
  return true;
}

bool Opener::open(SourceWords& source) {
  if (!source.are_files) {
    std::unique_ptr<Inputs> words = inputs_from_list(std::move(source.words));
    if (csv_separator_) words = rows_of(std::move(words), *csv_separator_);
    return add(std::move(words), source.linked);
  }
  if (source.words.empty()) throw UsageError("which file? Names of files with inputs come after '::::'");
  bool linked = source.linked;
  for (const std::string& file : source.words)
    if (!add(inputs_of_named(file), std::exchange(linked, source.linked))) return false;
  return true;
}

// The words after :::: may have been meant as inputs.
std::unique_ptr<Inputs> Opener::inputs_of_named(const std::string& file) {
  try {
    return inputs_of(file);
  } catch (const SystemError& error) {
    if (error.error() != ENOENT) throw;
    throw UsageError(std::string(error.what()) + "; after '::::' come files, after ':::' inputs themselves");
  }
}

bool Opener::add(std::unique_ptr<Inputs> source, bool linked) {
  if (!csv_separator_ && !settings_.column_separator.empty())
    source = columns_of(std::move(source), settings_.column_separator);
  if (settings_.header && !take_header(*source)) return false;
  if (links_.empty() || !(linked || settings_.link)) links_.emplace_back();
  links_.back().push_back(std::move(source));
  return true;
}

bool Opener::take_header(Inputs& source) {
  Values names;
  switch (wait_for_next(source, signals_, names, [] {})) {
    case Next::kInput:
      names_.insert(names_.end(), std::make_move_iterator(names.begin()), std::make_move_iterator(names.end()));
      return true;
    case Next::kEnd:
      throw UsageError("--header: a source of inputs is empty; its first line is to name the columns");
    case Next::kNotYet:
      break;
  }
  return false;
}

OpenedInputs Opener::take() {
  const Shorter shorter = settings_.link ? Shorter::kBeginsAnew : Shorter::kEndsAll;
  InputsList factors;
  for (Link& link : links_) factors.push_back(side_by_side(std::move(link), shorter));
  std::unique_ptr<Inputs> inputs = product_of(std::move(factors));
  if (settings_.fill || settings_.most_values > 1) {
    constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
    const std::size_t most = settings_.most_values > 0 ? settings_.most_values : kNoLimit;
    const std::size_t bytes = settings_.most_bytes > 0 ? settings_.most_bytes : kMostBytes;
    inputs = groups_of(std::move(inputs), most, bytes, settings_.length);
  }
  if (!settings_.key.empty())
    inputs = unseen_inputs(std::move(inputs), settings_.key, names_, [&signals = signals_] { signals.wake(); });
  return {std::move(inputs), std::move(names_)};
}

}  // namespace

namespace {

OpenedInputs open_blocks(const SourceSettings& settings, const Arguments& arguments, Signals& signals) {
  const bool others = settings.header || settings.link || settings.fill || settings.delimiter != '\n' ||
                      settings.is_csv() || !settings.column_separator.empty() || !settings.key.empty();
  if (!arguments.sources.empty() || settings.files.size() > 1 || others)
    throw UsageError(
        "--pipe: the standard input (or one -a FILE) is cut into blocks by --block, --recend, --recstart and -N; other "
        "inputs, and options that are for them, have no meaning then");
  BlockRules rules = settings.blocks;
  rules.records = settings.most_values;
  rules.record_end = settings.record_end.value_or(rules.record_start.empty() ? "\n" : "");
  const std::string file = settings.files.empty() ? kStandardInput : settings.files.front();
  return {inputs_from_file(file, std::make_unique<BlockCutter>(rules), [&signals] { signals.wake(); }), {}};
}

}  // namespace

std::optional<OpenedInputs> open_sources(const SourceSettings& settings, Arguments& arguments, Signals& signals) {
  if (settings.pipe) return open_blocks(settings, arguments, signals);
  Opener opener(settings, signals);
  if (!opener.open(arguments)) return std::nullopt;
  return opener.take();
}

Next wait_for_next(Inputs& inputs, Signals& signals, Values& values, const std::function<void()>& before_waiting) {
  while (signals.wish() == Signals::Wish::kGoOn) {
    const Next next = inputs.next(values);
    if (next != Next::kNotYet) return next;
    before_waiting();
    const Signals::Held held;
    if (!signals.take_news()) Signals::sleep(held, std::nullopt);
  }
  return Next::kNotYet;
}

}  // namespace prong::cli
