// prong serve --name NAME
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/queue/queue_server.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kQueueGroup = "The queue";

/// Two of them are in a row of the journal, which has at most 1 GB.
std::uint64_t kept_of(const std::string& text) {
  constexpr std::uint64_t kMost = std::uint64_t{256} << 20;
  const std::uint64_t size = parse_size(text);
  if (size > kMost) throw UsageError("'" + text + "' is more than the journal can keep of an output: 256M");
  return size;
}

ManualText manual_text() {
  return {
      .usage = {"prong serve --name NAME [options]"},
      .sections = {{.title = kQueueGroup,
                    .paragraphs = {{.text = "Runs jobs that others of this user submit (prong submit, prong.Client in "
                                            "Python), until it is asked to end. They are in a journal: after an end, "
                                            "also by kill -9, the next server goes on with them."}}},
                   {.title = "Ends",
                    .paragraphs = {{"prong drain NAME", "Take no more jobs, and end when all are done"},
                                   {"Ctrl-C",
                                    "Start no more jobs, and end when those that run have; what waits stays "
                                    "in the queue. Once more, or SIGTERM: kill those that run"}}},
                   {.title = kExitStatusGroup,
                    .paragraphs = {{"0", "Ended as it was asked to"},
                                   {"255", "Wrong usage, or Prong itself could not work"}}}},
      .examples = {{"In the background, with a log", "prong serve --name nights -j 2 > nights.log 2>&1 &"}},
  };
}

}  // namespace

int serve_command(const Words& words) {
  CLI::App app("Run a queue that stays, for jobs that others submit", "prong serve");
  QueueSettings settings;
  begin_group(app, kQueueGroup);
  app.add_option("--name", settings.name, "The name of the queue, by which jobs are submitted to it")
      ->type_name("NAME");
  begin_group(app, kStartsGroup);
  add_parsed(app, "-j,-P,--jobs,--max-procs", "N",
             "Run N jobs at a time: 4, 50% of the CPUs, or +1 more than these; default: one per CPU",
             [&](const std::string& text) { settings.workers = parse_workers(text, usable_cpus()); });
  begin_group(app, kFailuresGroup);
  add_parsed(app, "--if-lost", "fail|retry",
             "What becomes of a job that runs when the server ends: it has failed (the default), or is run again",
             [&](const std::string& text) { settings.if_lost = if_lost_of(text); });
  begin_group(app, kJournalGroup);
  app.add_flag("--durable", settings.durable,
               "Tell of a job only when the disk has it, so that a power cut loses none");
  add_parsed(app, "--keep", "SIZE", "Keep so much of each job's output, and of its error output; default: 64M",
             [&](const std::string& text) { settings.kept_output = kept_of(text); });
  begin_group(app, kOtherGroup);
  parse(app, manual_text(), words);
  if (settings.name.empty()) throw UsageError("which queue? Write --name NAME");
  Signals signals;
  QueueServer(settings, signals).run();
  return kAllDone;
}

}  // namespace prong::cli
