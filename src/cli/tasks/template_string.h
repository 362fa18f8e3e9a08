// TemplateString: text with replacement strings, as GNU parallel has them.
//
//   {}    the input                    a/b.tar.gz
//   {.}   without its extension        a/b.tar
//   {/}   without its directory        b.tar.gz
//   {//}  its directory                a
//   {/.}  neither                      b.tar
//   {#}   the number of the job, from 1
//
// An input may have several values (columns, several sources, -n): {2} is the second of them, {-1} the last, {name}
// that of the column of this name, each also as {2.}, {2/}, {2//}, {2/.}. The others above stand for all values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prong::cli {

using Values = std::vector<std::string>;

/// What one job is made from.
struct Input {
  Values values;
  std::uint64_t number = 1;  ///< of the job, from 1

  /// All values, with blanks between them.
  std::string text() const;
};

/// What a template's replacement strings are called.
struct ReplacementNames {
  std::string input = "{}";
  std::vector<std::string> columns;  ///< of the values, in their order
  bool none = false;                 ///< there are none: every text is meant as it is
};

enum class Part { kText, kInput, kNoExtension, kBaseName, kDirectory, kBaseNoExtension, kNumber };

class TemplateString {
 public:
  struct Piece {
    Part part;
    std::string text;  ///< of kText
    int position = 0;  ///< of the value: from 1, or from the end: -1; 0: all
  };

  explicit TemplateString(std::string_view text, const ReplacementNames& names = {});

  bool has_replacements() const;
  const std::vector<Piece>& pieces() const { return pieces_; }
  /// As the shell would cut it: all values of an input are words of their own, the first one and the last one with what
  /// stands before and after them.
  Values expand(const Input& input) const;
  /// Once for each value, with all that stands around it.
  Values expand_each(const Input& input) const;

 private:
  void add_text(std::string_view text);

  std::vector<Piece> pieces_;  // no two texts in a row
};

/// What a piece (not kText) stands for: several values for position 0, none for a position that the input does not
/// have.
Values values_of(const TemplateString::Piece& piece, const Input& input);

}  // namespace prong::cli
