// Sources: from what the user said of the inputs to the one stream of them.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/inputs/arguments.h"
#include "cli/inputs/block_cutter.h"
#include "cli/inputs/inputs.h"
#include "cli/system/signals.h"

namespace prong::cli {

struct SourceSettings {
  std::vector<std::string> files;  ///< -a, each a source; none, and none on the command line: standard input
  char delimiter = '\n';
  std::string column_separator;  ///< a regular expression; empty: an input is one value
  bool csv = false;              ///< inputs are rows of CSV; column_separator is a byte, or empty: ','
  bool tsv = false;              ///< the same with tabs

  bool is_csv() const { return csv || tsv; }

  std::string key;    ///< with replacement strings: of inputs with the same key the first; empty: all
  bool pipe = false;  ///< inputs are blocks, for the standard input of jobs
  BlockRules blocks;
  std::optional<std::string> record_end;  ///< of blocks; else a line end, unless it is known what begins one
  bool header = false;                    ///< the first of each source names its columns
  bool link = false;                      ///< all sources side by side
  std::size_t most_values = 0;            ///< inputs in one job; 0: one, or with `fill` as many as fit
  bool fill = false;                      ///< as many inputs in one job as a command can have
  std::size_t most_bytes = 0;             ///< of such a command; 0: what is safe everywhere
  CommandLength length;                   ///< of such a command; null: that of the inputs
};

struct OpenedInputs {
  std::unique_ptr<Inputs> inputs;
  std::vector<std::string> column_names;  ///< with `header`
};

/// Waits for the headers, if there are to be some; nullopt: a signal has asked to stop first. Throws UsageError,
/// SystemError, InputError.
std::optional<OpenedInputs> open_sources(const SourceSettings& settings, Arguments& arguments, Signals& signals);

/// The next input, waited for. kNotYet: a signal has asked to stop. `before_waiting` is called when there is none yet.
Next wait_for_next(Inputs& inputs, Signals& signals, Values& values, const std::function<void()>& before_waiting);

}  // namespace prong::cli
