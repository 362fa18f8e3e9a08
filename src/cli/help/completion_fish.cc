#include <fmt/format.h>

#include "cli/help/completion_scripts.h"

namespace prong::cli {
namespace {

constexpr const char* kHead = R"(# fish completion of prong; made by 'prong completion fish'

# COMMAND OPTION...: what stands after the options, one word a line; these options are followed by a value. Status 1:
# it is another command; 2: the value of an option is being written.
function __prong_operands --argument-names command
    set --local words (commandline --tokenize --cut-at-cursor --current-process)
    test "$words[2]" = "$command"; or return 1
    set --local options_with_values $argv[2..]
    set words $words[3..]
    while set --query words[1]; and string match --quiet -- '-?*' $words[1]
        set --local word $words[1]
        set --erase words[1]
        test "$word" = --; and break
        if contains -- $word $options_with_values
            set --query words[1]; or return 2
            set --erase words[1]
        end
    end
    string join \n -- $words
    return 0
end

function __prong_takes_options
    set --local operands (__prong_operands $argv)
    test $status -ne 1; and test -z "$operands"
end

function __prong_takes_operands
    set --local operands (__prong_operands $argv); or return 1
    test -n "$operands"; or not string match --quiet -- '-*' (commandline --current-token)
end

function __prong_complete_command
    set --local words (__prong_operands $argv)
    if string match --quiet -- ':::*' $words
        __fish_complete_path (commandline --current-token)
    else
        set --local line (string join ' ' -- (string escape -- $words) (commandline --current-token))
        complete "--do-complete=$line"
    end
end

function __prong_complete_files
    __fish_complete_path (commandline --current-token)
end

complete --command prong --no-files
complete --command prong --condition __fish_use_subcommand --short-option h --long-option help --description 'Show the help'
complete --command prong --condition __fish_use_subcommand --short-option V --long-option version --description 'Show the version'
complete --command prong --condition __fish_use_subcommand --arguments help --description 'Show the help of a command'
)";

std::string quoted(const std::string& text) {
  std::string safe;
  for (const char character : text) {
    if (character == '\'' || character == '\\') safe += '\\';
    safe += character;
  }
  return "'" + safe + "'";
}

std::string value_text(const OptionEntry& option) {
  const std::string required = option.value_is_optional ? "" : " --require-parameter";
  switch (kind_of_value(option.value)) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kAny:
    case ValueKind::kCommand:
      return required;
    case ValueKind::kFile:
      return required + " --force-files";
    case ValueKind::kFolder:
      return required + " --arguments '(__fish_complete_directories)'";
    case ValueKind::kOneOf:
      return required + " --arguments " + quoted(fmt::format("{}", fmt::join(alternatives(option.value), " ")));
  }
  return "";
}

std::string names_text(const OptionEntry& option) {
  std::string text;
  for (const std::string& name : option.short_names) text += " --short-option " + name.substr(1);
  for (const std::string& name : option.long_names) text += " --long-option " + name.substr(2);
  return text;
}

std::string complete_line(const std::string& condition, const std::string& rest) {
  return "complete --command prong --condition " + quoted(condition) + rest + "\n";
}

// "run -a --arg-file ...": the command and its options that are followed by a value
std::string subject(const Manual& manual) {
  std::string text = command_name(manual);
  for (const Section& section : manual.sections)
    for (const OptionEntry& option : section.options)
      if (!option.value.empty() && !option.value_is_optional)
        text += fmt::format(" {}", fmt::join(names_of(option), " "));
  return text;
}

std::string operand_text(const Manual& manual) {
  const std::string condition = "__prong_takes_operands $__prong_" + command_name(manual);
  switch (kind_of_value(manual.operand)) {
    case ValueKind::kNone:
    case ValueKind::kAny:
      return "";
    case ValueKind::kFile:
    case ValueKind::kFolder:
      return complete_line(condition, " --arguments '(__prong_complete_files)'");
    case ValueKind::kCommand:
      return complete_line(condition,
                           " --arguments '(__prong_complete_command $__prong_" + command_name(manual) + ")'");
    case ValueKind::kOneOf:
      return complete_line(condition,
                           " --arguments " + quoted(fmt::format("{}", fmt::join(alternatives(manual.operand), " "))));
  }
  return "";
}

std::string lines_of(const Manual& manual) {
  const std::string name = command_name(manual);
  std::string text = "\nset --global __prong_" + name + " " + subject(manual) + "\n";
  text += complete_line("__fish_use_subcommand", " --arguments " + name + " --description " + quoted(manual.summary));
  text += complete_line("__fish_seen_subcommand_from help", " --arguments " + name);
  for (const Section& section : manual.sections)
    for (const OptionEntry& option : section.options)
      text += complete_line("__prong_takes_options $__prong_" + name,
                            names_text(option) + value_text(option) + " --description " + quoted(option.text));
  return text + operand_text(manual);
}

}  // namespace

std::string fish_completion(const Manuals& manuals) {
  std::string script = kHead;
  for (const Manual& manual : manuals.commands) script += lines_of(manual);
  return script;
}

}  // namespace prong::cli
