// What `prong run --json` tells of jobs: one JSON object for each event, on one line. See docs/command-line.md.
#pragma once

#include <string>

#include "cli/output/sink.h"
#include "cli/tasks/template_string.h"
#include "prong/job.h"

namespace prong::cli {

/// The job is given to a worker.
void show_started(const Input& input, const std::string& command, Sink& sink);
/// It is done: each attempt that was followed by another, and the end with its outputs.
void show_ended(const Input& input, const Job& job, Sink& sink);

}  // namespace prong::cli
