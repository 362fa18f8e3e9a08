#include "cli/help/man_page.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "prong/version.h"

namespace prong::cli {
namespace {

// A hyphen and a quotation mark that can be copied; no letter that roff would read as a request.
std::string escaped(std::string_view text) {
  std::string safe = text.starts_with('.') ? "\\&" : "";
  for (const char character : text) {
    switch (character) {
      case '\\':
        safe += "\\e";
        break;
      case '-':
        safe += "\\-";
        break;
      case '\'':
        safe += "\\(aq";
        break;
      case '`':
        safe += "\\(ga";
        break;
      case '^':
        safe += "\\(ha";
        break;
      case '~':
        safe += "\\(ti";
        break;
      default:
        safe += character;
    }
  }
  return safe;
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return text;
}

std::string tagged(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + escaped(text) + "\n";
}

std::string option_tag(const OptionEntry& option) {
  std::vector<std::string> names;
  for (const std::string& name : names_of(option)) names.push_back(bold(name));
  std::string tag = fmt::format("{}", fmt::join(names, ", "));
  if (option.value_is_optional) return tag + "[=" + italic(option.value) + "]";
  return option.value.empty() ? tag : tag + " " + italic(option.value);
}

std::string section_text(const Section& section) {
  std::string text = ".SH " + escaped(in_capitals(section.title)) + "\n";
  bool first = true;
  for (const Paragraph& paragraph : section.paragraphs) {
    if (!paragraph.term.empty())
      text += tagged(bold(paragraph.term), paragraph.text);
    else
      text += (first ? "" : ".PP\n") + escaped(paragraph.text) + "\n";
    first = false;
  }
  for (const OptionEntry& option : section.options) text += tagged(option_tag(option), option.text);
  return text;
}

std::string synopsis(const std::vector<std::string>& usage) {
  std::string text = ".SH SYNOPSIS\n.nf\n";
  for (const std::string& line : usage) text += escaped(line) + "\n";
  return text + ".fi\n";
}

std::string examples_text(const std::vector<Example>& examples) {
  if (examples.empty()) return {};
  std::string text = ".SH EXAMPLES\n";
  bool first = true;
  for (const Example& example : examples) {
    text += (first ? "" : ".PP\n") + escaped(example.purpose + ":") + "\n";
    text += ".RS 4\n.nf\n" + escaped(example.command) + "\n.fi\n.RE\n";
    first = false;
  }
  return text;
}

std::string references(const Manual& manual, const Manuals& all) {
  std::vector<std::string> pages;
  const auto add = [&](const Manual& other) {
    if (other.name != manual.name) pages.push_back(bold(man_page_name(other)) + "(1)");
  };
  add(all.program);
  for (const Manual& command : all.commands) add(command);
  return fmt::format(".SH SEE ALSO\n{}\n", fmt::join(pages, ",\n"));
}

}  // namespace

std::string man_page_name(const Manual& manual) {
  std::string name = manual.name;
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string man_page(const Manual& manual, const Manuals& all) {
  const std::string name = man_page_name(manual);
  std::string page =
      fmt::format(".TH {} 1 \"\" \"Prong {}\" \"User Commands\"\n", escaped(in_capitals(name)), kVersion);
  page += ".SH NAME\n" + escaped(name) + " \\- " + escaped(manual.summary) + "\n";
  page += synopsis(manual.usage);
  for (const Section& section : manual.sections) page += section_text(section);
  return page + examples_text(manual.examples) + references(manual, all);
}

}  // namespace prong::cli
