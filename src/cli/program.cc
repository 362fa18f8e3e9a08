#include "cli/program.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/descriptor.h"
#include "cli/exit_status.h"
#include "prong/error.h"
#include "prong/version.h"

namespace prong::cli {
namespace {

constexpr std::array kCommands = {
    CommandEntry{"run", "Run a command line for each input", run_command},
    CommandEntry{"map", "Call a Python function with each input", map_command},
    CommandEntry{"log", "Show what a journal has kept of a run", log_command},
    CommandEntry{"ctl", "Look at runs that go on, pause, resize or stop them", ctl_command},
};

int help() {
  std::puts("prong - run commands and Python functions in parallel processes\n\nUsage: prong COMMAND ...\n");
  for (const CommandEntry& entry : commands()) std::printf("  %-8s %s\n", entry.name, entry.summary);
  std::puts(
      "  help     Show this, or the help of a command: prong help run\n\n"
      "prong --version shows the version.");
  return kAllDone;
}

int complain(const std::string& message) {
  std::fprintf(stderr, "prong: %s\n", message.c_str());
  return kTrouble;
}

int no_such_command(const std::string& name) {
  return complain("there is no command '" + name + "'; see prong --help");
}

const CommandEntry* find(const std::string& name) {
  const auto found = std::ranges::find_if(commands(), [&](const CommandEntry& entry) { return name == entry.name; });
  return found == commands().end() ? nullptr : &*found;
}

int help_of(const Words& words) {
  if (words.empty()) return help();
  const CommandEntry* entry = find(words.front());
  return entry ? entry->run({"--help"}) : no_such_command(words.front());
}

int dispatch(const Words& words) {
  if (words.empty()) {
    help();
    return kTrouble;
  }
  const std::string& name = words.front();
  const Words rest(words.begin() + 1, words.end());
  if (name == "--version" || name == "-V") return std::puts(("prong " + std::string(kVersion)).c_str()), kAllDone;
  if (name == "--help" || name == "-h") return help();
  if (name == "help") return help_of(rest);
  const CommandEntry* entry = find(name);
  return entry ? entry->run(rest) : no_such_command(name);
}

}  // namespace

std::span<const CommandEntry> commands() {
  return kCommands;
}

int program(const Words& words) {
  keep_standard_descriptors();
  try {
    return dispatch(words);
  } catch (const OutputClosed&) {
    return kOutputClosed;
  } catch (const UsageError& error) {
    return complain(words.front() + ": " + error.what() + "; see prong " + words.front() + " --help");
  } catch (const std::exception& error) {
    return complain(error.what());
  }
}

}  // namespace prong::cli
