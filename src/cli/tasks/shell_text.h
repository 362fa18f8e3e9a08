// Text as a POSIX shell reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace prong::cli {

/// `text` as one word of a shell's command line: bare where that is safe, else quoted. Always one line: control
/// characters are written as in $'...'.
std::string shell_quote(std::string_view text);
/// All words, with blanks between them.
std::string shell_join(const std::vector<std::string>& words);

/// Whether a shell is needed to run `line`: it has characters with a meaning to the shell, or begins with a word of the
/// shell's own. If not, it is the same as its words separated by blanks.
bool needs_shell(std::string_view line);
std::vector<std::string> split_at_blanks(std::string_view line);

/// Where in a shell line a place is.
enum class Quoting { kNone, kSingle, kDouble };

/// Follows a line from its start and knows how the next character is quoted.
class QuotingTracker {
 public:
  void advance(std::string_view text);
  Quoting quoting() const;

 private:
  void advance(char character);

  std::string open_;  // what is open, outermost first: ' " ( `
  bool escaped_ = false;
  char previous_ = 0;
};

/// For a terminal: blanks in the place of line ends and other control characters.
std::string one_line(std::string text);

}  // namespace prong::cli
