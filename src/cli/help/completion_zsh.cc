#include <fmt/format.h>

#include "cli/help/completion_scripts.h"

namespace prong::cli {
namespace {

constexpr const char* kHead = R"(#compdef prong
# zsh completion of prong; made by 'prong completion zsh'

_prong_operands() {
  if (( ${words[(I):::*]} )); then
    _files
  else
    _normal
  fi
}

)";

// A text within '...' of an _arguments specification.
std::string escaped(const std::string& text) {
  std::string safe;
  for (const char character : text) {
    if (std::string_view("[]:\\").find(character) != std::string_view::npos) safe += '\\';
    safe += character == '\'' ? "'\\''" : std::string(1, character);
  }
  return safe;
}

std::string action_for(const std::string& value) {
  switch (kind_of_value(value)) {
    case ValueKind::kNone:
    case ValueKind::kAny:
      return " ";
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kFolder:
      return "_files -/";
    case ValueKind::kCommand:
      return "_command_names -e";
    case ValueKind::kOneOf:
      return escaped(fmt::format("({})", fmt::join(alternatives(value), " ")));
  }
  return " ";
}

// -j4 and -j 4; --jobs=4 and --jobs 4; but only --progress=auto
std::string name_with_value(const std::string& name, const OptionEntry& option) {
  if (option.value_is_optional) return name + "=-";
  if (option.value.empty()) return name;
  return name + (name.starts_with("--") ? "=" : "+");
}

std::string specification(const std::string& name, const OptionEntry& option) {
  std::string text = "'*" + name_with_value(name, option) + "[" + escaped(option.text) + "]";
  if (!option.value.empty())
    text += (option.value_is_optional ? "::" : ":") + escaped(option.value) + ":" + action_for(option.value);
  return text + "'";
}

std::string operand_specification(const std::string& operand) {
  const ValueKind kind = kind_of_value(operand);
  if (kind == ValueKind::kNone) return "";
  if (kind == ValueKind::kCommand)
    return " \\\n    '(-)1:command:_command_names -e' \\\n    '*::arguments:_prong_operands'";
  const std::string rest = kind == ValueKind::kFile ? " \\\n    '*:inputs:_files'" : "";
  return " \\\n    '(-)1:" + escaped(operand) + ":" + action_for(operand) + "'" + rest;
}

std::string function_of(const Manual& manual) {
  std::string text = "_prong_" + command_name(manual) + "() {\n  _arguments -s -S -A '-*'";
  for (const Section& section : manual.sections)
    for (const OptionEntry& option : section.options)
      for (const std::string& name : names_of(option)) text += " \\\n    " + specification(name, option);
  return text + operand_specification(manual.operand) + "\n}\n\n";
}

}  // namespace

std::string zsh_completion(const Manuals& manuals) {
  std::string script = kHead;
  std::string commands = "_prong() {\n  local -a names=(\n";
  for (const Manual& manual : manuals.commands) {
    script += function_of(manual);
    commands += "    '" + escaped(command_name(manual)) + ":" + escaped(manual.summary) + "'\n";
  }
  return script + commands + R"(    'help:Show the help of a command'
  )
  if (( CURRENT == 2 )); then
    _describe command names
    _arguments '(-h --help)'{-h,--help}'[Show the help]' '(-V --version)'{-V,--version}'[Show the version]'
  elif [[ $words[2] == help ]]; then
    _describe command names
  elif (( $+functions[_prong_$words[2]] )); then
    local name=$words[2]
    shift words
    (( CURRENT -= 1 ))
    _prong_$name
  fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _prong "$@"
else
  compdef _prong prong
fi
)";
}

}  // namespace prong::cli
