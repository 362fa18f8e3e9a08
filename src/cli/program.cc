#include "cli/program.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/help/help_page.h"
#include "cli/help/manuals.h"
#include "cli/help/share_folder.h"
#include "cli/options/parse.h"
#include "cli/system/descriptor.h"
#include "cli/unknown_command.h"
#include "prong/error.h"
#include "prong/version.h"

namespace prong::cli {
namespace {

constexpr std::array kCommands = {
    CommandEntry{"run", "Run a command line for each input", run_command},
    CommandEntry{"map", "Call a Python function with each input", map_command},
    CommandEntry{"log", "Show what a journal has kept of a run", log_command},
    CommandEntry{"ctl", "Look at runs that go on, pause, resize or stop them", ctl_command},
    CommandEntry{"serve", "Run a queue that stays, for jobs that others submit", serve_command},
    CommandEntry{"submit", "Give jobs to a queue", submit_command},
    CommandEntry{"status", "Tell how far a queue, or a job of it, is", status_command},
    CommandEntry{"wait", "Wait until jobs of a queue have ended", wait_command},
    CommandEntry{"cancel", "Cancel jobs of a queue; those that run are killed", cancel_command},
    CommandEntry{"retry", "Queue jobs again that have failed", retry_command},
    CommandEntry{"pause", "Let a queue start no more jobs; those that run go on", pause_command},
    CommandEntry{"resume", "Let a queue that is paused go on starting jobs", resume_command},
    CommandEntry{"drain", "Let a queue end when all its jobs have, and wait for that", drain_command},
    CommandEntry{"clean", "Let a queue forget jobs that have ended", clean_command},
    CommandEntry{"completion", "Show a script for completion in bash, zsh or fish", completion_command},
};

// Of the build: manual pages and completion go into a folder.
constexpr const char* kShare = "--share";

int show(const Manual& manual) {
  std::fputs(help_page(manual).c_str(), stdout);
  return kAllDone;
}

int complain(const std::string& message) {
  std::fprintf(stderr, "prong: %s\n", message.c_str());
  return kTrouble;
}

int no_such_command(const std::string& name) {
  return complain(about_unknown_command(name));
}

const CommandEntry* find(const std::string& name) {
  const auto found = std::ranges::find_if(commands(), [&](const CommandEntry& entry) { return name == entry.name; });
  return found == commands().end() ? nullptr : &*found;
}

int help_of(const Words& words) {
  if (words.empty()) return show(manual_of_program());
  if (words.front() == kShare && words.size() == 2) return write_share_folder(words.back()), kAllDone;
  const CommandEntry* entry = find(words.front());
  return entry ? show(manual_of(*entry)) : no_such_command(words.front());
}

int dispatch(const Words& words) {
  if (words.empty()) {
    show(manual_of_program());
    return kTrouble;
  }
  const std::string& name = words.front();
  const Words rest(words.begin() + 1, words.end());
  if (name == "--version" || name == "-V") return std::puts(("prong " + std::string(kVersion)).c_str()), kAllDone;
  if (name == "--help" || name == "-h") return show(manual_of_program());
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
  } catch (const HelpWanted& wanted) {
    return show(wanted.manual);
  } catch (const OutputClosed&) {
    return kOutputClosed;
  } catch (const UsageError& error) {
    return complain(words.front() + ": " + error.what() + "; see prong " + words.front() + " --help");
  } catch (const std::exception& error) {
    return complain(error.what());
  }
}

}  // namespace prong::cli
