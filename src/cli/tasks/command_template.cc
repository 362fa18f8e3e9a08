#include "cli/tasks/command_template.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/tasks/shell_text.h"

namespace prong::cli {
namespace {

constexpr const char* kShell = "/bin/sh";

/// Each word is one argument, or as many as its replacement string has values.
class WordsTemplate final : public CommandTemplate {
 public:
  WordsTemplate(const std::vector<std::string>& words, CommandForm form, const ReplacementNames& names)
      : repeats_words_(form.repeats_words) {
    for (const std::string& word : words) words_.emplace_back(word, names);
    if (form.appends_input && std::ranges::none_of(words_, &TemplateString::has_replacements))
      words_.emplace_back("{}");
  }

  std::vector<std::string> arguments(const Input& input) const override {
    std::vector<std::string> expanded;
    expanded.reserve(words_.size());
    for (const TemplateString& word : words_) {
      Values values = repeats_words_ ? word.expand_each(input) : word.expand(input);
      std::ranges::move(values, std::back_inserter(expanded));
    }
    return expanded;
  }

  std::string describe(const Input& input) const override { return shell_join(arguments(input)); }

 private:
  std::vector<TemplateString> words_;
  bool repeats_words_;
};

/// A shell line. The shell gets what is inserted as positional parameters, so it never reads an input as code.
class ShellTemplate final : public CommandTemplate {
 public:
  ShellTemplate(std::string_view line, CommandForm form, const ReplacementNames& names);

  std::vector<std::string> arguments(const Input& input) const override;
  std::string describe(const Input& input) const override;
  std::size_t length(const Values& values) const override;

 private:
  struct Insertion {
    std::string text_before;
    TemplateString::Piece piece;
    Quoting quoting;
  };

  static std::string parameter(std::size_t number, Quoting quoting);
  static std::string quoted(const std::string& value, Quoting quoting);

  std::vector<Insertion> insertions_;
  std::string text_after_;
};

ShellTemplate::ShellTemplate(std::string_view line, CommandForm form, const ReplacementNames& names) {
  TemplateString parsed(line, names);
  if (form.appends_input && !parsed.has_replacements()) parsed = TemplateString(std::string(line) + " {}");
  QuotingTracker tracker;
  for (const TemplateString::Piece& piece : parsed.pieces()) {
    if (piece.part == Part::kText) {
      tracker.advance(piece.text);
      text_after_ = piece.text;
    } else {
      insertions_.push_back({std::exchange(text_after_, {}), piece, tracker.quoting()});
    }
  }
}

std::vector<std::string> ShellTemplate::arguments(const Input& input) const {
  std::vector<std::string> words = {kShell, "-c", "", "sh"};
  const std::size_t first = words.size();
  std::string script;
  for (const Insertion& insertion : insertions_) {
    script += insertion.text_before;
    std::string_view blank;
    for (std::string& value : values_of(insertion.piece, input)) {
      words.push_back(std::move(value));
      script.append(std::exchange(blank, " ")).append(parameter(words.size() - first, insertion.quoting));
    }
  }
  words[2] = script + text_after_;
  return words;
}

/// Parameters have more digits where there are more of them.
std::size_t ShellTemplate::length(const Values& values) const {
  constexpr std::size_t kMostDigits = 6;
  return CommandTemplate::length(values) + kMostDigits * insertions_.size() * values.size();
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
  for (const Insertion& insertion : insertions_) {
    line += insertion.text_before;
    std::string_view blank;
    for (const std::string& value : values_of(insertion.piece, input))
      line.append(std::exchange(blank, " ")).append(quoted(value, insertion.quoting));
  }
  line += text_after_;
  std::ranges::replace(line, '\n', ' ');
  return line;
}

/// Each input is a shell line of its own.
class InputIsLine final : public CommandTemplate {
 public:
  std::vector<std::string> arguments(const Input& input) const override {
    std::string line = input.text();
    if (needs_shell(line)) return {kShell, "-c", std::move(line)};
    return split_at_blanks(line);
  }

  std::string describe(const Input& input) const override { return input.text(); }
};

bool is_program(const std::string& word) {
  return word.find('/') != std::string::npos && ::access(word.c_str(), X_OK) == 0;
}

bool needs_shell_as_template(const std::string& line, const ReplacementNames& names) {
  std::string text;
  const TemplateString parsed(line, names);
  for (const TemplateString::Piece& piece : parsed.pieces()) text += piece.part == Part::kText ? piece.text : "x";
  return needs_shell(text);
}

}  // namespace

std::size_t CommandTemplate::length(const Values& values) const {
  std::size_t length = 0;
  for (const std::string& word : arguments({.values = values, .number = 1})) length += word.size() + 1;
  return length;
}

CommandLength command_length(const std::vector<std::string>& words, CommandForm form, const ReplacementNames& names) {
  const std::shared_ptr<const CommandTemplate> made = make_command_template(words, form, names);
  return [made](const Values& values) { return made->length(values); };
}

std::unique_ptr<CommandTemplate> make_command_template(const std::vector<std::string>& words, CommandForm form,
                                                       const ReplacementNames& names) {
  if (words.empty()) return std::make_unique<InputIsLine>();
  const bool is_line = form.with_shell || (words.size() == 1 && !is_program(words.front()));
  if (!is_line) return std::make_unique<WordsTemplate>(words, form, names);
  std::string line = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) line.append(" ").append(words[i]);
  if (needs_shell_as_template(line, names)) return std::make_unique<ShellTemplate>(line, form, names);
  return std::make_unique<WordsTemplate>(split_at_blanks(line), form, names);
}

}  // namespace prong::cli
