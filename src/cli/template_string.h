// TemplateString: text with replacement strings, as GNU parallel has them.
//
//   {}    the input                    a/b.tar.gz
//   {.}   without its extension        a/b.tar
//   {/}   without its directory        b.tar.gz
//   {//}  its directory                a
//   {/.}  neither                      b.tar
//   {#}   the number of the job, from 1
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prong::cli {

/// What one job is made from.
struct Input {
  std::string text;
  std::uint64_t number = 1;  ///< of the job, from 1
};

enum class Part { kText, kInput, kNoExtension, kBaseName, kDirectory, kBaseNoExtension, kNumber };

/// What `part` (not kText) stands for.
std::string value_of(Part part, const Input& input);

class TemplateString {
 public:
  struct Piece {
    Part part;
    std::string text;  ///< of kText
  };

  explicit TemplateString(std::string_view text);

  bool has_replacements() const;
  const std::vector<Piece>& pieces() const { return pieces_; }
  std::string expand(const Input& input) const;

 private:
  void add_text(std::string_view text);

  std::vector<Piece> pieces_;  // no two texts in a row
};

}  // namespace prong::cli
