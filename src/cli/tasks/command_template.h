// CommandTemplate: makes the command of each job from an input. What an input contains is never read as shell code.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/inputs/inputs.h"
#include "cli/tasks/template_string.h"

namespace prong::cli {

class CommandTemplate {
 public:
  virtual ~CommandTemplate() = default;
  /// The words to execute.
  virtual std::vector<std::string> arguments(const Input& input) const = 0;
  /// The same for people, on one line; a shell would do the same with it.
  virtual std::string describe(const Input& input) const = 0;
  /// At most, as xargs counts it: of the words, each with the NUL that ends it.
  virtual std::size_t length(const Values& values) const;
};

struct CommandForm {
  bool with_shell = false;
  bool appends_input = true;   ///< as the last argument, where there is no replacement string
  bool repeats_words = false;  ///< a word with several values is repeated for each, with all that it has around it
};

/// `words`: what was given on the command line.
///   several words            run as they are, each one argument
///   one word with blanks     a shell line; run without a shell where that makes no difference
///   several, `with_shell`    joined by blanks: a shell line
///   none                     each input is a shell line
/// Without any replacement string the input is appended as the last argument.
std::unique_ptr<CommandTemplate> make_command_template(const std::vector<std::string>& words, CommandForm form = {},
                                                       const ReplacementNames& names = {});

/// Of such a command, by the values of its inputs: see Groups.
CommandLength command_length(const std::vector<std::string>& words, CommandForm form, const ReplacementNames& names);

}  // namespace prong::cli
