// Manual: what a command says of itself. Its help, its manual page and completion are all made from this.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace prong::cli {

/// What a value, or what follows the options, is. A name in capitals says what it stands for; all else is meant as it
/// is written.
enum class ValueKind {
  kNone,
  kAny,
  kFile,     ///< FILE, PATH
  kFolder,   ///< FOLDER
  kCommand,  ///< COMMAND: of the shell, with its arguments
  kOneOf     ///< auto|always|never
};

ValueKind kind_of_value(const std::string& value);
/// Of kOneOf: "auto", "always", "never".
std::vector<std::string> alternatives(const std::string& value);

struct OptionEntry {
  std::vector<std::string> short_names = {};  ///< "-j"
  std::vector<std::string> long_names = {};   ///< "--jobs"
  std::string value = {};                     ///< "N", or "auto|always|never" if it is one of these; empty: takes none
  bool value_is_optional = false;             ///< and then follows a '='
  std::string text = {};
};

/// Prose, or what a term means.
struct Paragraph {
  std::string term = {};
  std::string text = {};
};

/// A subject: prose, then the options whose group has the same title.
struct Section {
  std::string title = {};
  std::vector<Paragraph> paragraphs = {};
  std::vector<OptionEntry> options = {};
};

struct Example {
  std::string purpose = {};
  std::string command = {};
};

/// What a command tells beside its options.
struct ManualText {
  std::vector<std::string> usage = {};
  std::vector<Section> sections = {};
  std::vector<Example> examples = {};
  std::string operand = "FILE";  ///< what may follow the options: see ValueKind
};

struct Manual {
  std::string name = {};     ///< "prong run"
  std::string summary = {};  ///< "Run a command line for each input"
  std::vector<std::string> usage = {};
  std::vector<Section> sections = {};
  std::vector<Example> examples = {};
  std::string operand = {};
};

/// The options of `app`, by their groups, joined with `text`.
Manual make_manual(const CLI::App& app, const ManualText& text);

/// "-j", "--jobs"
std::vector<std::string> names_of(const OptionEntry& option);

}  // namespace prong::cli
