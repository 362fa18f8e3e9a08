// The commands of the command line, one file each.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace prong::cli {

using Words = std::vector<std::string>;

struct CommandEntry {
  const char* name;
  const char* summary;
  int (*run)(const Words& words);  ///< `words`: what stands after the name. Returns the exit status.
};

/// All of them, in the order of the help.
std::span<const CommandEntry> commands();

int run_command(const Words& words);     // run.cc
int map_command(const Words& words);     // map.cc
int log_command(const Words& words);     // log.cc
int ctl_command(const Words& words);     // ctl.cc
int serve_command(const Words& words);   // serve.cc
int submit_command(const Words& words);  // submit.cc
int status_command(const Words& words);  // queue_commands.cc, as the following
int wait_command(const Words& words);
int cancel_command(const Words& words);
int retry_command(const Words& words);
int pause_command(const Words& words);
int resume_command(const Words& words);
int drain_command(const Words& words);
int clean_command(const Words& words);
int completion_command(const Words& words);  // completion.cc

}  // namespace prong::cli
