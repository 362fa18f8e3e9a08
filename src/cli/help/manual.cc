#include "cli/help/manual.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string_view>

#include <CLI/CLI.hpp>

#include "cli/options/option_groups.h"

namespace prong::cli {
namespace {

std::vector<std::string> with_dashes(const char* dashes, const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) all.push_back(dashes + name);
  return all;
}

OptionEntry entry_of(const CLI::Option& option) {
  const bool is_flag = option.get_items_expected_max() == 0;
  const bool has_alternatives = option.get_type_name().find('|') != std::string::npos;
  return {.short_names = with_dashes("-", option.get_snames()),
          .long_names = with_dashes("--", option.get_lnames()),
          .value = is_flag && !has_alternatives ? "" : option.get_type_name(),
          .value_is_optional = is_flag && has_alternatives,
          .text = option.get_description()};
}

Section& section_titled(const std::string& title, std::vector<Section>& sections) {
  const auto found = std::ranges::find(sections, title, &Section::title);
  return found != sections.end() ? *found : sections.emplace_back(Section{.title = title});
}

bool is_known(const Section& section) {
  return std::ranges::find(kGroupOrder, section.title) != kGroupOrder.end();
}

// Others come before what all commands have.
std::vector<Section> in_order_of_groups(const std::vector<Section>& sections) {
  std::vector<Section> ordered;
  for (const std::string_view title : kGroupOrder) {
    if (title == kOtherGroup) std::ranges::remove_copy_if(sections, std::back_inserter(ordered), is_known);
    std::ranges::copy_if(sections, std::back_inserter(ordered), [&](const Section& one) { return one.title == title; });
  }
  return ordered;
}

}  // namespace

Manual make_manual(const CLI::App& app, const ManualText& text) {
  Manual manual{.name = app.get_name(),
                .summary = app.get_description(),
                .usage = text.usage,
                .sections = text.sections,
                .examples = text.examples,
                .operand = text.operand};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty() && !option->get_positional())
      section_titled(option->get_group(), manual.sections).options.push_back(entry_of(*option));
  manual.sections = in_order_of_groups(manual.sections);
  return manual;
}

ValueKind kind_of_value(const std::string& value) {
  if (value.empty()) return ValueKind::kNone;
  if (value == "FILE" || value == "PATH") return ValueKind::kFile;
  if (value == "FOLDER") return ValueKind::kFolder;
  if (value == "COMMAND") return ValueKind::kCommand;
  const bool has_capitals = std::ranges::any_of(value, [](unsigned char letter) { return std::isupper(letter) != 0; });
  return has_capitals ? ValueKind::kAny : ValueKind::kOneOf;
}

std::vector<std::string> alternatives(const std::string& value) {
  return CLI::detail::split(value, '|');
}

std::vector<std::string> names_of(const OptionEntry& option) {
  std::vector<std::string> names = option.short_names;
  std::ranges::copy(option.long_names, std::back_inserter(names));
  return names;
}

}  // namespace prong::cli
