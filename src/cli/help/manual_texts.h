// What the manuals of several commands say in the same words.
#pragma once

#include "cli/help/manual.h"

namespace prong::cli {

/// Where inputs come from. `otherwise`: without any of these.
Section inputs_section(const char* otherwise = "the lines of standard input are the inputs.");
/// Of a command that runs jobs.
Section exit_status_section();
/// Of a command that needs Python.
Section python_section();

}  // namespace prong::cli
