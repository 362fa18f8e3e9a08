#include "cli/command_template.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/shell_text.h"

namespace prong::cli {
namespace {

constexpr const char* kShell = "/bin/sh";

std::vector<TemplateString> to_templates(const std::vector<std::string>& words) {
  std::vector<TemplateString> templates(words.begin(), words.end());
  if (std::ranges::none_of(templates, &TemplateString::has_replacements)) templates.emplace_back("{}");
  return templates;
}

/// Each word is one argument.
class WordsTemplate final : public CommandTemplate {
 public:
  explicit WordsTemplate(const std::vector<std::string>& words) : words_(to_templates(words)) {}

  std::vector<std::string> arguments(const Input& input) const override {
    std::vector<std::string> expanded;
    expanded.reserve(words_.size());
    for (const TemplateString& word : words_) expanded.push_back(word.expand(input));
    return expanded;
  }

  std::string describe(const Input& input) const override { return shell_join(arguments(input)); }

 private:
  std::vector<TemplateString> words_;
};

/// A shell line. The shell gets what is inserted as positional parameters, so it never reads an input as code.
class ShellTemplate final : public CommandTemplate {
 public:
  explicit ShellTemplate(std::string_view line);

  std::vector<std::string> arguments(const Input& input) const override {
    std::vector<std::string> words = {kShell, "-c", script_, "sh"};
    for (const Insertion& insertion : insertions_) words.push_back(value_of(insertion.part, input));
    return words;
  }

  std::string describe(const Input& input) const override;

 private:
  struct Insertion {
    std::string text_before;
    Part part;
    Quoting quoting;
  };

  static std::string parameter(std::size_t number, Quoting quoting);
  static std::string quoted(const std::string& value, Quoting quoting);

  std::vector<Insertion> insertions_;
  std::string text_after_;
  std::string script_;
};

ShellTemplate::ShellTemplate(std::string_view line) {
  TemplateString parsed(line);
  if (!parsed.has_replacements()) parsed = TemplateString(std::string(line) + " {}");
  QuotingTracker tracker;
  for (const TemplateString::Piece& piece : parsed.pieces()) {
    if (piece.part == Part::kText) {
      tracker.advance(piece.text);
      text_after_ = piece.text;
      script_ += piece.text;
    } else {
      insertions_.push_back({std::exchange(text_after_, {}), piece.part, tracker.quoting()});
      script_ += parameter(insertions_.size(), tracker.quoting());
    }
  }
}

std::string ShellTemplate::parameter(std::size_t number, Quoting quoting) {
  const std::string name = "${" + std::to_string(number) + "}";
  switch (quoting) {
    case Quoting::kNone:
      return "\"" + name + "\"";
    case Quoting::kDouble:
      return name;
    case Quoting::kSingle:
      return "'\"" + name + "\"'";
  }
  return name;
}

std::string ShellTemplate::quoted(const std::string& value, Quoting quoting) {
  const std::string word = shell_quote(value);
  if (quoting == Quoting::kNone || word == value) return word;
  const std::string mark = quoting == Quoting::kDouble ? "\"" : "'";
  return mark + word + mark;  // leaves the quotes and enters them again
}

std::string ShellTemplate::describe(const Input& input) const {
  std::string line;
  for (const Insertion& insertion : insertions_)
    line += insertion.text_before + quoted(value_of(insertion.part, input), insertion.quoting);
  line += text_after_;
  std::ranges::replace(line, '\n', ' ');
  return line;
}

/// Each input is a shell line of its own.
class InputIsLine final : public CommandTemplate {
 public:
  std::vector<std::string> arguments(const Input& input) const override {
    if (needs_shell(input.text)) return {kShell, "-c", input.text};
    return split_at_blanks(input.text);
  }

  std::string describe(const Input& input) const override { return input.text; }
};

bool is_program(const std::string& word) {
  return word.find('/') != std::string::npos && ::access(word.c_str(), X_OK) == 0;
}

bool needs_shell_as_template(const std::string& line) {
  std::string text;
  const TemplateString parsed(line);
  for (const TemplateString::Piece& piece : parsed.pieces()) text += piece.part == Part::kText ? piece.text : "x";
  return needs_shell(text);
}

std::unique_ptr<CommandTemplate> make_line_template(const std::string& line) {
  if (needs_shell_as_template(line)) return std::make_unique<ShellTemplate>(line);
  return std::make_unique<WordsTemplate>(split_at_blanks(line));
}

}  // namespace

std::unique_ptr<CommandTemplate> make_command_template(const std::vector<std::string>& words, bool with_shell) {
  if (words.empty()) return std::make_unique<InputIsLine>();
  if (with_shell) {
    std::string line;
    for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
    return make_line_template(line);
  }
  if (words.size() == 1 && !is_program(words.front())) return make_line_template(words.front());
  return std::make_unique<WordsTemplate>(words);
}

}  // namespace prong::cli
