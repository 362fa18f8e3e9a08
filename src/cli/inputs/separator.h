// Separator: a regular expression between the columns of a line.
//
// POSIX extended, as the C library matches it: its automaton takes neither a stack as deep as the line is long, nor
// time that is exponential in its length, as those that backtrack do. (The square of it, for some expressions that
// match nowhere.)
#pragma once

#include <regex.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace prong::cli {

/// From `begin` to before `end`, in bytes.
struct Span {
  std::size_t begin;
  std::size_t end;

  bool operator==(const Span&) const = default;
};

class Separator {
 public:
  /// `\t` is a tab. Throws UsageError for what is no regular expression.
  explicit Separator(std::string_view expression);

  /// The first and longest match that is not empty.
  std::optional<Span> find(std::string_view text) const;

 private:
  struct Free {
    void operator()(regex_t* compiled) const;
  };

  std::string literal_;  ///< without any special character, which is found faster; else empty
  std::unique_ptr<regex_t, Free> compiled_;
};

}  // namespace prong::cli
