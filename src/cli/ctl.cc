// prong ctl [options] [PID ...] command
#include <algorithm>
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/quantities.h"
#include "cli/session/progress.h"
#include "cli/system/control_socket.h"
#include "prong/error.h"
#include "prong/options.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr const char* kWordsGroup = "What to do";
constexpr const char* kChoiceGroup = "Which runs";

ManualText manual_text() {
  return {
      .usage = {"prong ctl [options] PID ... COMMAND", "prong ctl [options] --all COMMAND", "prong ctl"},
      .sections = {{.title = kWordsGroup,
                    .paragraphs = {{.text = "PID is the process of a 'prong run' or 'prong map' of yours."},
                                   {"status",
                                    "Tell how far it is; without PID: of all runs, which is also what 'prong "
                                    "ctl' alone does"},
                                   {"jobs N",
                                    "Run N jobs at a time: more start at once, fewer when running jobs have "
                                    "ended"},
                                   {"pause", "Start no jobs; those that run go on"},
                                   {"resume", "Go on starting jobs"},
                                   {"stop", "As one Ctrl-C: start no more jobs, and end when those that run have"},
                                   {"kill", "As SIGTERM: kill the jobs that run, and end"}}},
                   {.title = kExitStatusGroup,
                    .paragraphs = {{"0", "All these runs did it"},
                                   {"1", "One did not, or there was none"},
                                   {"255", "Wrong usage, or Prong itself could not work"}}}},
      .examples = {{"How far all runs of yours are", "prong ctl"},
                   {"No more jobs for now, in any of them", "prong ctl --all pause"}},
      .operand = "status|jobs|pause|resume|stop|kill",
  };
}

struct Order {
  Words runs;
  json request;
};

bool is_pid(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

json request_of(const Words& words) {
  const std::string& command = words.front();
  if (command == "jobs") {
    if (words.size() != 2) throw UsageError("jobs: how many? Write a number: jobs 4");
    return {{"command", command}, {"jobs", parse_workers(words[1], usable_cpus())}};
  }
  if (words.size() > 1) throw UsageError("'" + words[1] + "' follows the command " + command);
  for (const char* known : {"status", "pause", "resume", "stop", "kill"})
    if (command == known) return {{"command", command}};
  throw UsageError("there is no command '" + command + "'; write status, jobs N, pause, resume, stop or kill");
}

Order order_of(Words words, bool all, const std::string& folder) {
  Order order;
  const auto command = std::ranges::find_if_not(words, is_pid);
  order.runs.assign(words.begin(), command);
  words.erase(words.begin(), command);
  if (words.empty()) words.emplace_back("status");
  order.request = request_of(words);
  if (!order.runs.empty() && all) throw UsageError("a PID and --all are given; which runs are meant?");
  const bool means_all = all || (order.runs.empty() && order.request["command"] == "status");
  if (order.runs.empty() && !means_all) throw UsageError("which run is meant? Write its PID, or --all; see prong ctl");
  if (means_all) order.runs = living_runs(folder);
  return order;
}

std::string text_of(const json& status) {
  std::optional<std::uint64_t> total;
  if (status["total"].is_number()) total = status["total"];
  const Tally tally{.done = status["done"], .failed = status["failed"], .total = total, .skipped = status["skipped"]};
  std::string text = progress_text(tally, std::chrono::nanoseconds(0));
  text += fmt::format(", {} of {} running", status["running"].get<std::uint64_t>(), status["jobs"].get<int>());
  for (const char* state : {"paused", "stopping"})
    if (status["state"] == state) text += fmt::format(", {}", state);
  if (const std::string waiting = status["waiting"]; !waiting.empty()) text += ", waiting: " + waiting;
  return text;
}

void show(const std::string& run, const json& answer, bool as_json) {
  if (as_json)
    std::printf("%s\n", answer.dump().c_str());
  else
    std::printf("%s: %s\n", run.c_str(), text_of(answer).c_str());
}

/// True if it has done what it was asked to.
bool carry_out(const std::string& folder, const std::string& run, const Order& order, bool as_json) {
  try {
    const json answer = ask(folder, socket_of_run(run), order.request);
    if (answer.contains("error")) throw Error(answer["error"].get<std::string>());
    if (order.request["command"] == "status") show(run, answer, as_json);
    return true;
  } catch (const SystemError& error) {
    const bool gone = error.error() == ENOENT || error.error() == ECONNREFUSED;
    const std::string why = gone ? "no run of yours has this PID" : error.what();
    std::fprintf(stderr, "prong: ctl %s: %s\n", run.c_str(), why.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "prong: ctl %s: %s\n", run.c_str(), error.what());
  }
  return false;
}

}  // namespace

int ctl_command(const Words& words) {
  CLI::App app("Look at runs that go on, pause, resize or stop them", "prong ctl");
  bool all = false;
  bool as_json = false;
  Words rest;
  begin_group(app, kChoiceGroup);
  app.add_flag("--all", all, "All runs of this user");
  begin_group(app, kOutputGroup);
  app.add_flag("--json", as_json, "Show the status as a JSON object per run");
  app.add_option("words", rest)->group("");
  parse(app, manual_text(), words);
  const std::string folder = control_folder();
  const Order order = order_of(std::move(rest), all, folder);
  if (order.runs.empty()) std::fputs("prong: ctl: no run of yours goes on\n", stderr);
  bool done = !order.runs.empty();
  for (const std::string& run : order.runs) done &= carry_out(folder, run, order, as_json);
  return done ? kAllDone : 1;
}

}  // namespace prong::cli
