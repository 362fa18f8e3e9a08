// prong status|wait|cancel|retry|pause|resume|drain|clean QUEUE
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/queue/queue_client.h"
#include "cli/queue/queue_submission.h"
#include "cli/tasks/shell_text.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr const char* kJobsGroup = "Which jobs";

/// What all of them have: a queue, and then perhaps jobs of it.
class QueueCommand {
 public:
  QueueCommand(const char* name, const char* summary) : name_(name), app_(summary, std::string("prong ") + name) {
    app_.add_option("jobs", jobs_)->group("");
  }

  CLI::App& app() { return app_; }

  /// `operands`: after the queue, in the usage; `said`: what it does beyond the summary.
  void read(const Words& words, const std::string& operands, std::vector<Section> said, std::vector<Example> examples) {
    begin_group(app_, kOtherGroup);
    Words rest = words;
    queue_ = take_queue_name(rest);
    parse(app_,
          {.usage = {fmt::format("prong {} QUEUE{}", name_, operands)},
           .sections = std::move(said),
           .examples = std::move(examples),
           .operand = "JOB"},
          rest);
    check_queue_name(queue_);
  }

  bool names_jobs() const { return !jobs_.empty(); }
  void refuse_jobs() const {
    if (names_jobs()) throw UsageError("'" + jobs_.front() + "' follows the name of the queue");
  }

  /// Those that were named, if any were.
  json request() const {
    json request = {{"command", name_}};
    if (names_jobs()) request["jobs"] = numbers();
    return request;
  }
  json ask(const json& request) const { return QueueClient(queue_).ask(request); }
  const std::string& queue() const { return queue_; }

 private:
  json numbers() const {
    json numbers = json::array();
    for (const std::string& text : jobs_) numbers.push_back(parse_number(text));
    return numbers;
  }

  const char* name_;
  CLI::App app_;
  std::string queue_;
  Words jobs_;
};

Section exit_statuses(std::vector<Paragraph> statuses) {
  statuses.push_back({"255", "Nobody serves the queue, or wrong usage"});
  return {.title = kExitStatusGroup, .paragraphs = std::move(statuses)};
}

std::uint64_t number_in(const json& answer, const char* name) {
  return answer.at(name).get<std::uint64_t>();
}

void show_queue(const json& status) {
  const std::string state = status.at("state");
  const json why = status.value("trouble", json());
  const std::string trouble = why.is_string() ? ", " + why.get<std::string>() : "";
  std::printf("%s: %llu queued, %llu of %llu running, %llu done, %llu failed%s%s%s\n",
              status.at("queue").get<std::string>().c_str(),
              static_cast<unsigned long long>(number_in(status, "queued")),
              static_cast<unsigned long long>(number_in(status, "running")),
              static_cast<unsigned long long>(number_in(status, "workers")),
              static_cast<unsigned long long>(number_in(status, "done")),
              static_cast<unsigned long long>(number_in(status, "failed")), state == "serving" ? "" : ", ",
              state == "serving" ? "" : state.c_str(), one_line(trouble).c_str());
}

void show_job(const json& job) {
  const auto number = static_cast<unsigned long long>(number_in(job, "job"));
  const std::string state = job.at("state");
  if (state == "unknown") {
    std::printf("%llu: there is no such job\n", number);
    return;
  }
  const std::string detail = bytes_of_json(job.at("detail"), "detail");
  std::printf("%llu: %s%s%s: %s\n", number, state.c_str(), state == "failed" ? ", " : "",
              state == "failed" ? one_line(detail).c_str() : "",
              one_line(bytes_of_json(job.at("description"), "description")).c_str());
}

/// Of cancel and retry: those that it was done to.
int tell_jobs(const json& answer, bool named) {
  for (const json& job : answer.at("jobs"))
    std::printf("%llu\n", static_cast<unsigned long long>(job.get<std::uint64_t>()));
  return named && answer.at("jobs").empty() ? 1 : kAllDone;
}

}  // namespace

int status_command(const Words& words) {
  QueueCommand command("status", "Tell how far a queue, or a job of it, is");
  bool as_json = false;
  begin_group(command.app(), kOutputGroup);
  command.app().add_flag("--json", as_json, "Show a JSON object for the queue, or for each job");
  command.read(words, " [JOB ...]",
               {{.title = kJobsGroup,
                 .paragraphs = {{.text = "Of jobs that are named by their numbers it is told what they came to. prong "
                                         "log QUEUE shows all jobs, and --job N what one has written."}}},
                exit_statuses({{"0", "Told"}, {"1", "There is no job of such a number"}})},
               {{"How far the queue is", "prong status q"}, {"What became of job 1", "prong status q 1"}});
  const json answer = command.ask(command.request());
  const json shown = command.names_jobs() ? answer.at("jobs") : json::array({answer});
  bool all_known = true;
  for (const json& each : shown) {
    all_known &= each.at("state") != "unknown";
    if (as_json)
      std::printf("%s\n", each.dump().c_str());
    else
      command.names_jobs() ? show_job(each) : show_queue(each);
  }
  return all_known ? kAllDone : 1;
}

int wait_command(const Words& words) {
  QueueCommand command("wait", "Wait until jobs of a queue have ended");
  command.read(
      words, " [JOB ...]",
      {{.title = kJobsGroup,
        .paragraphs = {{.text = "Those that are named by their numbers, or all: until nothing is queued or "
                                "runs; then it is told of those that have ended meanwhile. If the server is killed "
                                "meanwhile, the next one is waited for."}}},
       exit_statuses(
           {{"0", "They have succeeded"}, {"1 to 100", "So many have failed"}, {"101", "More than 100 have failed"}})},
      {{"Until the queue has nothing to do", "prong wait q"}});
  if (command.names_jobs()) return status_for_failures(number_in(command.ask(command.request()), "failed"));
  // Whichever servers there are meanwhile.
  const std::uint64_t before = number_in(command.ask({{"command", "status"}}), "failures");
  const std::uint64_t after = number_in(command.ask(command.request()), "failures");
  return status_for_failures(after - std::min(before, after));
}

int cancel_command(const Words& words) {
  QueueCommand command("cancel", "Cancel jobs of a queue; those that run are killed");
  bool all = false;
  begin_group(command.app(), kJobsGroup);
  command.app().add_flag("--all", all, "All that are queued or run");
  command.read(words, " JOB ...",
               {{.title = kJobsGroup,
                 .paragraphs = {{.text = "Their numbers. Shown are those that are cancelled; "
                                         "they count as failed."}}},
                exit_statuses({{"0", "Done"}, {"1", "All that were named had ended before"}})},
               {{"Everything", "prong cancel q --all"}});
  if (all == command.names_jobs()) throw UsageError("which jobs? Write their numbers, or --all");
  json request = command.request();
  request["all"] = all;
  return tell_jobs(command.ask(request), !all);
}

int retry_command(const Words& words) {
  QueueCommand command("retry", "Queue jobs again that have failed");
  bool failed = false;
  begin_group(command.app(), kJobsGroup);
  command.app().add_flag("--failed", failed, "All that have failed, or were cancelled");
  command.read(
      words, " JOB ...",
      {{.title = kJobsGroup, .paragraphs = {{.text = "Their numbers. Shown are those that are queued again."}}},
       exit_statuses({{"0", "Done"}, {"1", "None that was named has failed"}})},
      {{"All that have failed", "prong retry q --failed"}});
  if (failed == command.names_jobs()) throw UsageError("which jobs? Write their numbers, or --failed");
  json request = command.request();
  request["all"] = failed;
  return tell_jobs(command.ask(request), !failed);
}

int pause_command(const Words& words) {
  QueueCommand command("pause", "Let a queue start no more jobs; those that run go on");
  command.read(words, "", {exit_statuses({{"0", "It is paused, and stays so if its server ends"}})},
               {{"For now", "prong pause q"}});
  command.refuse_jobs();
  command.ask(command.request());
  return kAllDone;
}

int resume_command(const Words& words) {
  QueueCommand command("resume", "Let a queue that is paused go on starting jobs");
  command.read(words, "", {exit_statuses({{"0", "It goes on"}})}, {{"Go on", "prong resume q"}});
  command.refuse_jobs();
  command.ask(command.request());
  return kAllDone;
}

int drain_command(const Words& words) {
  QueueCommand command("drain", "Let a queue end when all its jobs have, and wait for that");
  command.read(words, "", {exit_statuses({{"0", "All its jobs have ended, and the server takes no more"}})},
               {{"End it", "prong drain q"}});
  command.refuse_jobs();
  command.ask(command.request());
  return kAllDone;
}

int clean_command(const Words& words) {
  QueueCommand command("clean", "Let a queue forget jobs that have ended");
  std::string older;
  bool done = false;
  begin_group(command.app(), kJobsGroup);
  add_parsed(command.app(), "--older", "TIME", "Only those that ended longer ago: 30m, 12h, 7d",
             [&](const std::string& text) {
               parse_duration(text);
               older = text;
             });
  command.app().add_flag("--done", done, "Only those that have succeeded; those that failed can still be retried");
  command.read(words, " [--older TIME] [--done]",
               {{.title = kJobsGroup,
                 .paragraphs = {{.text = "All that have ended: what they were, what became of them, and what they "
                                         "wrote. Others are not touched, and no number is given a second time. The "
                                         "journal does not become smaller: later jobs use the space."}}},
                exit_statuses({{"0", "Done"}})},
               {{"What has succeeded, but for the last week", "prong clean q --done --older 7d"}});
  command.refuse_jobs();
  json request = command.request();
  if (!older.empty()) request["older"] = older;
  request["done"] = done;
  const json answer = command.ask(request);
  std::printf("%s: %llu done, %llu failed are forgotten\n", command.queue().c_str(),
              static_cast<unsigned long long>(number_in(answer, "done")),
              static_cast<unsigned long long>(number_in(answer, "failed")));
  return kAllDone;
}

}  // namespace prong::cli
