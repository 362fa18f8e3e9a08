#include "cli/tasks/template_string.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

namespace prong::cli {
namespace {

struct Form {
  std::string_view suffix;
  Part part;
};

// The longer before the shorter that they end with.
constexpr std::array kForms = {Form{"//", Part::kDirectory}, Form{"/.", Part::kBaseNoExtension},
                               Form{"/", Part::kBaseName}, Form{".", Part::kNoExtension}, Form{"", Part::kInput}};

std::optional<int> position_of(std::string_view name, const ReplacementNames& names) {
  if (name.empty()) return 0;
  const auto column = std::ranges::find(names.columns, name);
  if (column != names.columns.end()) return static_cast<int>(column - names.columns.begin()) + 1;
  int position = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), position);
  if (error != std::errc() || end != name.data() + name.size() || position == 0) return std::nullopt;
  return position;
}

// What the text between two braces stands for.
std::optional<TemplateString::Piece> piece_named(std::string_view name, const ReplacementNames& names) {
  if (name == "#") return TemplateString::Piece{Part::kNumber, {}};
  for (const Form& form : kForms) {
    if (!name.ends_with(form.suffix)) continue;
    const std::optional<int> position = position_of(name.substr(0, name.size() - form.suffix.size()), names);
    if (position) return TemplateString::Piece{form.part, {}, *position};
  }
  return std::nullopt;
}

struct Found {
  TemplateString::Piece piece;
  std::size_t size;
};

std::optional<Found> replacement_at_start(std::string_view text, const ReplacementNames& names) {
  if (names.none) return std::nullopt;
  if (text.starts_with(names.input)) return Found{{Part::kInput, {}}, names.input.size()};
  if (names.input != ReplacementNames{}.input && text.starts_with("{}")) return std::nullopt;
  const auto end = text.starts_with('{') ? text.find('}') : std::string_view::npos;
  if (end == std::string_view::npos) return std::nullopt;
  std::optional<TemplateString::Piece> piece = piece_named(text.substr(1, end - 1), names);
  return piece ? std::optional<Found>({*std::move(piece), end + 1}) : std::nullopt;
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

std::string form_of(Part part, const std::string& value) {
  switch (part) {
    case Part::kText:
    case Part::kNumber:
      break;
    case Part::kInput:
      return value;
    case Part::kNoExtension:
      return std::string(without_extension(value));
    case Part::kBaseName:
      return std::string(without_directory(value));
    case Part::kDirectory:
      return std::string(directory_of(value));
    case Part::kBaseNoExtension:
      return std::string(without_extension(without_directory(value)));
  }
  return {};
}

}  // namespace

std::string Input::text() const {
  std::string joined = values.empty() ? "" : values.front();
  for (std::size_t i = 1; i < values.size(); ++i) joined.append(" ").append(values[i]);
  return joined;
}

Values values_of(const TemplateString::Piece& piece, const Input& input) {
  if (piece.part == Part::kNumber) return {std::to_string(input.number)};
  Values values;
  const auto count = static_cast<int>(input.values.size());
  if (piece.position == 0) {
    for (const std::string& value : input.values) values.push_back(form_of(piece.part, value));
  } else if (std::abs(piece.position) <= count) {
    const int index = piece.position > 0 ? piece.position - 1 : count + piece.position;
    values.push_back(form_of(piece.part, input.values[static_cast<std::size_t>(index)]));
  }
  return values;
}

TemplateString::TemplateString(std::string_view text, const ReplacementNames& names) {
  while (!text.empty()) {
    std::optional<Found> found = replacement_at_start(text, names);
    if (found) {
      pieces_.push_back(std::move(found->piece));
    } else {
      add_text(text.substr(0, 1));
    }
    text.remove_prefix(found ? found->size : 1);
  }
}

void TemplateString::add_text(std::string_view text) {
  if (pieces_.empty() || pieces_.back().part != Part::kText) pieces_.push_back({Part::kText, {}});
  pieces_.back().text += text;
}

bool TemplateString::has_replacements() const {
  return std::ranges::any_of(pieces_, [](const Piece& piece) { return piece.part != Part::kText; });
}

Values TemplateString::expand(const Input& input) const {
  Values words(1);
  for (const Piece& piece : pieces_) {
    if (piece.part == Part::kText) {
      words.back() += piece.text;
      continue;
    }
    bool first = true;
    for (const std::string& value : values_of(piece, input)) {
      if (!std::exchange(first, false)) words.emplace_back();
      words.back() += value;
    }
  }
  return words;
}

Values TemplateString::expand_each(const Input& input) const {
  if (!has_replacements()) return expand(input);
  Values words;
  for (const std::string& value : input.values) words.push_back(expand({{value}, input.number}).front());
  return words;
}

}  // namespace prong::cli
