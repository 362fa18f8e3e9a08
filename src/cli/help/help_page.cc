#include "cli/help/help_page.h"

#include <fmt/format.h>

#include "cli/tasks/shell_text.h"

namespace prong::cli {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kTextColumn = 25;
constexpr std::size_t kWidestTerm = kTextColumn - kIndent - 2;  // two blanks before the text

std::string blanks(std::size_t count) {
  return std::string(count, ' ');
}

std::string filled(const std::string& text, std::size_t indent) {
  std::string page;
  std::string line;
  for (const std::string& word : split_at_blanks(text)) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > kColumns) {
      page += blanks(indent) + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return page + blanks(indent) + line + "\n";
}

std::string described(const std::string& term, const std::string& text) {
  const std::string description = filled(text, kTextColumn);
  if (term.size() > kWidestTerm) return blanks(kIndent) + term + "\n" + description;
  return blanks(kIndent) + term + description.substr(kIndent + term.size());
}

std::string value_text(const OptionEntry& option) {
  if (option.value.empty()) return {};
  if (option.value_is_optional) return "[=" + option.value + "]";
  return " " + option.value;
}

std::string term_of(const OptionEntry& option) {
  return fmt::format("{}{}", fmt::join(names_of(option), ", "), value_text(option));
}

std::string section_text(const Section& section) {
  std::string text = "\n" + section.title + ":\n";
  for (const Paragraph& paragraph : section.paragraphs)
    text += paragraph.term.empty() ? filled(paragraph.text, kIndent) : described(paragraph.term, paragraph.text);
  if (!section.paragraphs.empty() && !section.options.empty()) text += "\n";
  for (const OptionEntry& option : section.options) text += described(term_of(option), option.text);
  return text;
}

std::string usage_text(const std::vector<std::string>& usage) {
  std::string text;
  for (const std::string& line : usage) text += (text.empty() ? "Usage: " : "       ") + line + "\n";
  return text;
}

std::string examples_text(const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::string text = "\nExamples:\n";
  for (const Example& example : examples)
    text += filled(example.purpose + ":", kIndent) + blanks(2 * kIndent) + example.command + "\n";
  return text;
}

}  // namespace

std::string help_page(const Manual& manual) {
  std::string page = filled(manual.summary + ".", 0) + "\n" + usage_text(manual.usage);
  for (const Section& section : manual.sections) page += section_text(section);
  return page + examples_text(manual.examples);
}

}  // namespace prong::cli
