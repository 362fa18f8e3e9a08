// LineBuffer: cuts what is read into lines. Holds no more than what was not taken yet.
#pragma once

#include <string>
#include <string_view>

namespace prong::cli {

class LineBuffer {
 public:
  /// `delimiter` ends a line and is no part of it.
  explicit LineBuffer(char delimiter) : delimiter_(delimiter) {}

  void append(std::string_view bytes);
  bool has_line() const;
  /// Takes the next line that has its delimiter; false if there is none.
  bool take(std::string& line);
  /// Takes what is left at the end of the input; false if there is nothing.
  bool take_rest(std::string& line);
  std::size_t size() const { return bytes_.size() - begin_; }

 private:
  std::size_t find_end() const;

  char delimiter_;
  std::string bytes_;
  std::size_t begin_ = 0;
  mutable std::size_t searched_ = 0;  // no delimiter between begin_ and here
};

}  // namespace prong::cli
