#include <fmt/format.h>

#include "cli/help/completion_scripts.h"
#include "cli/tasks/shell_text.h"

namespace prong::cli {
namespace {

constexpr const char* kHead = R"(# bash completion of prong; made by 'prong completion bash'

)";

// Words are read up to the one that is completed: options with their values, then what the command takes.
// Readline makes three words of --name=value.
constexpr const char* kBody = R"bash(
_prong_reply() {  # KIND CURRENT
    case $1 in
    file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
    folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
    command) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -c -- "$2" | sort -u) ;;
    words:*) mapfile -t COMPREPLY < <(compgen -W "${1#words:}" -- "$2") ;;
    esac
}

_prong_operand() {  # KIND FIRST: of the words that are no options
    local word current=${COMP_WORDS[COMP_CWORD]}
    for word in "${COMP_WORDS[@]:$2:COMP_CWORD-$2}"; do
        case $word in ':::'*) _prong_reply file "$current"; return ;; esac
    done
    if [[ $1 != command ]] || ((COMP_CWORD == $2)); then
        _prong_reply "$1" "$current"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$2"
    else
        _prong_reply file "$current"
    fi
}

_prong() {
    COMPREPLY=()
    local current=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} kind i=2
    if ((COMP_CWORD == 1)); then
        _prong_reply "words:$(_prong_commands) help --help --version" "$current"
        return
    fi
    if [[ $command == help ]]; then
        _prong_reply "words:$(_prong_commands)" "$current"
        return
    fi
    while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == -?* ]]; do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            _prong_operand "$(_prong_takes "$command")" $((i + 1))
            return
        fi
        kind=$(_prong_value "$command" "${COMP_WORDS[i]}")
        if [[ ${COMP_WORDS[i + 1]} == = ]]; then
            if ((i + 2 >= COMP_CWORD)); then
                _prong_reply "${kind#optional:}" "${current#=}"
                return
            fi
            ((i += 3))
        elif [[ -z $kind || $kind == optional:* ]]; then
            ((i += 1))
        elif ((i + 1 == COMP_CWORD)); then
            _prong_reply "$kind" "$current"
            return
        else
            ((i += 2))
        fi
    done
    if ((i == COMP_CWORD)) && [[ $current == -* ]]; then
        _prong_reply "words:$(_prong_options "$command")" "$current"
    else
        _prong_operand "$(_prong_takes "$command")" "$i"
    fi
}

complete -F _prong prong
)bash";

std::string kind_text(const std::string& value) {
  switch (kind_of_value(value)) {
    case ValueKind::kNone:
      return "";
    case ValueKind::kAny:
      return "any";
    case ValueKind::kFile:
      return "file";
    case ValueKind::kFolder:
      return "folder";
    case ValueKind::kCommand:
      return "command";
    case ValueKind::kOneOf:
      return fmt::format("words:{}", fmt::join(alternatives(value), " "));
  }
  return "";
}

std::vector<OptionEntry> options_of(const Manual& manual) {
  std::vector<OptionEntry> options;
  for (const Section& section : manual.sections)
    options.insert(options.end(), section.options.begin(), section.options.end());
  return options;
}

// A function that prints what is known of `$1`, and perhaps of `$2`.
std::string function_text(const std::string& name, const std::string& subject, const std::string& cases) {
  return name + "() {\n    case " + subject + " in\n" + cases + "    esac\n}\n";
}

std::string case_text(const std::string& pattern, const std::string& text) {
  return "    " + pattern + ") echo " + shell_quote(text) + " ;;\n";
}

std::string value_cases(const Manual& manual) {
  std::string cases;
  for (const OptionEntry& option : options_of(manual)) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : names_of(option)) patterns.push_back(command_name(manual) + "," + name);
    cases += case_text(fmt::format("{}", fmt::join(patterns, " | ")),
                       (option.value_is_optional ? "optional:" : "") + kind_text(option.value));
  }
  return cases;
}

std::string option_names(const Manual& manual) {
  std::vector<std::string> names;
  for (const OptionEntry& option : options_of(manual))
    for (const std::string& name : names_of(option)) names.push_back(name);
  return fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

std::string bash_completion(const Manuals& manuals) {
  std::vector<std::string> names;
  std::string options;
  std::string values;
  std::string operands;
  for (const Manual& manual : manuals.commands) {
    const std::string name = command_name(manual);
    names.push_back(name);
    options += case_text(name, option_names(manual));
    values += value_cases(manual);
    operands += case_text(name, kind_text(manual.operand));
  }
  return kHead + fmt::format("_prong_commands() {{ echo {}; }}\n", fmt::join(names, " ")) +
         function_text("_prong_options", "$1", options) + function_text("_prong_value", "$1,$2", values) +
         function_text("_prong_takes", "$1", operands) + kBody;
}

}  // namespace prong::cli
