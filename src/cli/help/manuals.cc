#include "cli/help/manuals.h"

#include <utility>

#include "cli/options/parse.h"

namespace prong::cli {
namespace {

Section commands_section() {
  Section section{.title = "Commands"};
  for (const CommandEntry& entry : commands()) section.paragraphs.push_back({entry.name, entry.summary});
  section.paragraphs.push_back({"help", "Show this, or the help of a command: prong help run"});
  return section;
}

}  // namespace

Manual manual_of(const CommandEntry& command) {
  try {
    command.run({"--help"});
  } catch (HelpWanted& wanted) {
    return std::move(wanted.manual);
  }
  return {.name = std::string("prong ") + command.name, .summary = command.summary};
}

Manual manual_of_program() {
  return {
      .name = "prong",
      .summary = "Run commands and Python functions in parallel processes",
      .usage = {"prong COMMAND ...", "prong help COMMAND"},
      .sections = {commands_section(),
                   {.title = "Options",
                    .options = {{.short_names = {"-h"}, .long_names = {"--help"}, .text = "Show this page"},
                                {.short_names = {"-V"}, .long_names = {"--version"}, .text = "Show the version"}}}},
      .examples = {{"Compress all logs, on all CPUs", "prong run gzip ::: *.log"},
                   {"The lines of standard input, results in their order", "ls | prong run -k wc -c"},
                   {"A shell line", "prong run 'sort {} > {}.sorted' ::: *.txt"},
                   {"A Python function", "prong map -k words.py:shout ::: one two"}},
  };
}

Manuals all_manuals() {
  Manuals manuals{.program = manual_of_program(), .commands = {}};
  for (const CommandEntry& entry : commands()) manuals.commands.push_back(manual_of(entry));
  return manuals;
}

std::string command_name(const Manual& manual) {
  return manual.name.substr(manual.name.find(' ') + 1);
}

}  // namespace prong::cli
