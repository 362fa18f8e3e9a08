#include "cli/tasks/shell_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace prong::cli {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kMeaningful = "#;\"'\\*?[]&|<>(){}$`^~!\n";

// Words that only a shell knows, or that a shell does differently.
constexpr std::array<std::string_view, 47> kShellWords = {
    ".",      ":",      "alias",    "bg",       "break",   "builtin", "case",   "cd",   "command", "continue",
    "do",     "done",   "elif",     "else",     "esac",    "eval",    "exec",   "exit", "export",  "fc",
    "fg",     "fi",     "for",      "function", "getopts", "hash",    "if",     "jobs", "local",   "login",
    "logout", "read",   "readonly", "return",   "set",     "shift",   "source", "then", "times",   "trap",
    "type",   "ulimit", "umask",    "unalias",  "unset",   "until",   "wait"};

bool is_safe(char character) {
  constexpr std::string_view kSafe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%^";
  return kSafe.find(character) != std::string_view::npos;
}

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
}

std::string escaped(char character) {
  switch (character) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
    case '\'':
      return "\\'";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  if (!is_control(character)) return {character};
  std::array<char, 8> octal{};
  std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned char>(character));
  return octal.data();
}

std::string quote_with_escapes(std::string_view text) {
  std::string quoted = "$'";
  for (const char character : text) quoted += escaped(character);
  return quoted + "'";
}

std::string quote_plainly(std::string_view text) {
  std::string quoted = "'";
  for (const char character : text) character == '\'' ? quoted += "'\\''" : quoted += character;
  return quoted + "'";
}

}  // namespace

std::string shell_quote(std::string_view text) {
  if (std::ranges::any_of(text, is_control)) return quote_with_escapes(text);
  // A word like A=1 is safe as an argument; only as a program's name it would be taken for an assignment.
  if (!text.empty() && std::ranges::all_of(text, is_safe)) return std::string(text);
  return quote_plainly(text);
}

std::string shell_join(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += shell_quote(word);
  }
  return line;
}

bool needs_shell(std::string_view line) {
  if (line.find_first_of(kMeaningful) != std::string_view::npos) return true;
  const std::vector<std::string> words = split_at_blanks(line);
  if (words.empty()) return true;
  return words.front().find('=') != std::string::npos ||
         std::ranges::find(kShellWords, words.front()) != kShellWords.end();
}

std::vector<std::string> split_at_blanks(std::string_view line) {
  std::vector<std::string> words;
  for (auto begin = line.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

void QuotingTracker::advance(std::string_view text) {
  for (const char character : text) advance(character);
}

void QuotingTracker::advance(char character) {
  const char before = std::exchange(previous_, character);
  if (escaped_) {
    escaped_ = false;
    return;
  }
  const char open = open_.empty() ? '\0' : open_.back();
  if (open == '\'') {
    if (character == '\'') open_.pop_back();
    return;
  }
  escaped_ = character == '\\';
  if (character == open || (character == ')' && open == '('))
    open_.pop_back();
  else if (character == '"' || character == '`' || (character == '\'' && open != '"') ||
           (character == '(' && (before == '$' || open == '(')))
    open_ += character;
}

Quoting QuotingTracker::quoting() const {
  if (open_.empty()) return Quoting::kNone;
  if (open_.back() == '\'') return Quoting::kSingle;
  return open_.back() == '"' ? Quoting::kDouble : Quoting::kNone;
}

std::string one_line(std::string text) {
  const auto is_control = [](unsigned char c) { return c < ' ' || c == '\x7f'; };
  std::ranges::replace_if(text, is_control, ' ');
  return text;
}

}  // namespace prong::cli
