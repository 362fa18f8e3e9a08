#include "cli/template_string.h"

#include <algorithm>
#include <array>

namespace prong::cli {
namespace {

struct Name {
  std::string_view text;
  Part part;
};

constexpr std::array kNames = {
    Name{"{}", Part::kInput},       Name{"{.}", Part::kNoExtension},      Name{"{/}", Part::kBaseName},
    Name{"{//}", Part::kDirectory}, Name{"{/.}", Part::kBaseNoExtension}, Name{"{#}", Part::kNumber}};

const Name* name_at_start(std::string_view text) {
  const auto found = std::ranges::find_if(kNames, [&](const Name& name) { return text.starts_with(name.text); });
  return found == kNames.end() ? nullptr : &*found;
}

std::string_view without_directory(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view without_extension(std::string_view path) {
  const auto dot = path.find_last_of("./");
  return dot == std::string_view::npos || path[dot] == '/' ? path : path.substr(0, dot);
}

std::string_view without_trailing_slashes(std::string_view path) {
  const auto last = path.find_last_not_of('/');
  return last == std::string_view::npos ? path.substr(0, 1) : path.substr(0, last + 1);
}

std::string_view directory_of(std::string_view path) {
  const auto slash = without_trailing_slashes(path).rfind('/');
  if (slash == std::string_view::npos) return ".";
  return without_trailing_slashes(path.substr(0, slash + 1));
}

}  // namespace

std::string value_of(Part part, const Input& input) {
  switch (part) {
    case Part::kText:
      break;
    case Part::kInput:
      return input.text;
    case Part::kNoExtension:
      return std::string(without_extension(input.text));
    case Part::kBaseName:
      return std::string(without_directory(input.text));
    case Part::kDirectory:
      return std::string(directory_of(input.text));
    case Part::kBaseNoExtension:
      return std::string(without_extension(without_directory(input.text)));
    case Part::kNumber:
      return std::to_string(input.number);
  }
  return {};
}

TemplateString::TemplateString(std::string_view text) {
  while (!text.empty()) {
    const Name* name = name_at_start(text);
    if (name) {
      pieces_.push_back({name->part, {}});
    } else {
      add_text(text.substr(0, 1));
    }
    text.remove_prefix(name ? name->text.size() : 1);
  }
}

void TemplateString::add_text(std::string_view text) {
  if (pieces_.empty() || pieces_.back().part != Part::kText) pieces_.push_back({Part::kText, {}});
  pieces_.back().text += text;
}

bool TemplateString::has_replacements() const {
  return std::ranges::any_of(pieces_, [](const Piece& piece) { return piece.part != Part::kText; });
}

std::string TemplateString::expand(const Input& input) const {
  std::string result;
  for (const Piece& piece : pieces_) result += piece.part == Part::kText ? piece.text : value_of(piece.part, input);
  return result;
}

}  // namespace prong::cli
