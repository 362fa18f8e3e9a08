#include "cli/unknown_command.h"

#include <optional>
#include <vector>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/system/search_path.h"

namespace prong::cli {
namespace {

bool is_command_line(const std::string& word) {
  return word.find_first_of(" {}/|") != std::string::npos;
}

std::string proposal(const std::string& word) {
  if (word.starts_with('-')) return "options follow a command, as in: prong run " + word;
  if (is_command_line(word) || find_program(word)) return "a program is run by: prong run " + word + " ::: INPUT ...";
  std::vector<std::string> names = {"help"};
  for (const CommandEntry& entry : commands()) names.emplace_back(entry.name);
  if (const auto meant = nearest(word, names)) return "did you mean prong " + *meant + "?";
  return "see prong --help";
}

}  // namespace

std::string about_unknown_command(const std::string& word) {
  return "there is no command '" + word + "'; " + proposal(word);
}

}  // namespace prong::cli
