#include "cli/inputs/separator.h"

#include <array>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr std::string_view kSpecial = R"(\.[]()*+?{}|^$)";

std::string with_tabs(std::string_view expression) {
  std::string text;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const bool escape = expression[i] == '\\' && i + 1 < expression.size();
    if (escape && expression[i + 1] == 't') {
      text += '\t';
    } else {
      text += expression[i];
      if (escape) text += expression[i + 1];
    }
    i += escape;
  }
  return text;
}

std::string error_text(int error, const regex_t& compiled) {
  std::array<char, 256> text{};
  ::regerror(error, &compiled, text.data(), text.size());
  return text.data();
}

}  // namespace

void Separator::Free::operator()(regex_t* compiled) const {
  ::regfree(compiled);
  delete compiled;
}

Separator::Separator(std::string_view expression) {
  if (expression.empty()) throw UsageError("--colsep: the separator is empty");
  const std::string text = with_tabs(expression);
  if (text.find_first_of(kSpecial) == std::string::npos) {
    literal_ = text;
    return;
  }
  auto compiled = std::make_unique<regex_t>();
  if (const int error = ::regcomp(compiled.get(), text.c_str(), REG_EXTENDED))
    throw UsageError("--colsep: '" + std::string(expression) + "' is not a regular expression (" +
                     error_text(error, *compiled) + ")");
  compiled_.reset(compiled.release());
}

std::optional<Span> Separator::find(std::string_view text) const {
  if (!compiled_) {
    const std::size_t begin = text.find(literal_);
    return begin == std::string_view::npos ? std::nullopt : std::optional(Span{begin, begin + literal_.size()});
  }
  for (std::size_t from = 0; from < text.size(); ++from) {
    regmatch_t match{.rm_so = static_cast<regoff_t>(from), .rm_eo = static_cast<regoff_t>(text.size())};
    if (::regexec(compiled_.get(), text.data(), 1, &match, REG_STARTEND) != 0) return std::nullopt;
    if (match.rm_eo > match.rm_so)
      return Span{static_cast<std::size_t>(match.rm_so), static_cast<std::size_t>(match.rm_eo)};
    from = static_cast<std::size_t>(match.rm_so);
  }
  return std::nullopt;
}

}  // namespace prong::cli
