// prong submit QUEUE [options] [--] command [::: inputs]
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/help/manual_texts.h"
#include "cli/inputs/sources.h"
#include "cli/options/job_settings.h"
#include "cli/options/option_groups.h"
#include "cli/options/parse.h"
#include "cli/options/parsed_option.h"
#include "cli/options/quantities.h"
#include "cli/options/settings.h"
#include "cli/queue/queue_client.h"
#include "cli/queue/queue_submission.h"
#include "cli/tasks/command_template.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMostAtOnce = 1000;
constexpr std::size_t kMostBytesAtOnce = std::size_t{16} << 20;

ManualText manual_text() {
  return {
      .usage = {"prong submit QUEUE [options] [--] COMMAND [::: INPUT ...]", "prong submit QUEUE [options] < COMMANDS"},
      .sections =
          {{.title = kCommandsGroup,
            .paragraphs = {{.text = "A command, its inputs and replacement strings are as of prong run; without "
                                    "inputs it is one job. It will run where this is called, with the "
                                    "environment that is there now. Shown are the numbers of the jobs, once "
                                    "the queue has them for good."}}},
           inputs_section("a command has none; without a command, too, the lines of standard input are "
                          "commands."),
           {.title = kExitStatusGroup,
            .paragraphs = {{"0", "The queue has all jobs"}, {"255", "Nobody serves the queue, or wrong usage"}}}},
      .examples = {{"One job", "prong submit q -- sort -o sorted.txt list.txt"},
                   {"A job for each file, at most a minute each", "prong submit q --timeout 60 gzip ::: *.log"}},
      .operand = "COMMAND",
  };
}

struct Submission {
  SourceSettings sources;
  bool with_shell = false;
  int priority = 0;
  std::string if_lost;
  json settings = json::object();
};

CommandForm form_of(const Submission& submission, bool has_inputs) {
  return {.with_shell = submission.with_shell, .appends_input = has_inputs, .repeats_words = submission.sources.fill};
}

std::string new_ticket() {
  constexpr std::size_t kSize = 16;
  std::array<unsigned char, kSize> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(kSize))
    throw SystemError("get random numbers", errno);
  std::string ticket;
  for (const unsigned char byte : bytes) ticket += fmt::format("{:02x}", byte);
  return ticket;
}

json surroundings() {
  json environment = json::array();
  for (char** each = environ; *each != nullptr; ++each) environment.push_back(json_of_bytes(*each));
  return {{"folder", json_of_bytes(std::filesystem::current_path().string())}, {"environment", std::move(environment)}};
}

class Submitter {
 public:
  Submitter(QueueClient& client, const Submission& submission, const Words& command, bool has_inputs,
            const ReplacementNames& names)
      : client_(client),
        submission_(submission),
        template_(make_command_template(command, form_of(submission, has_inputs), names)) {}

  void add(const Input& input) {
    json words = json::array();
    for (const std::string& word : template_->arguments(input)) {
      words.push_back(json_of_bytes(word));
      bytes_ += word.size();
    }
    json job = {{"ticket", new_ticket()},
                {"kind", "command"},
                {"arguments", std::move(words)},
                {"description", json_of_bytes(template_->describe(input))},
                {"input", json_of_bytes(input.text())},
                {"priority", submission_.priority},
                {"settings", submission_.settings}};
    if (!submission_.if_lost.empty()) job["if_lost"] = submission_.if_lost;
    jobs_.push_back(std::move(job));
    if (jobs_.size() >= kMostAtOnce || bytes_ >= kMostBytesAtOnce) send();
  }

  void send() {
    if (jobs_.empty()) return;
    const json answer =
        client_.ask({{"command", "submit"}, {"surroundings", surroundings_}, {"jobs", std::move(jobs_)}});
    jobs_ = json::array();
    bytes_ = 0;
    for (const json& number : answer.at("jobs")) std::printf("%llu\n", number.get<unsigned long long>());
    std::fflush(stdout);
  }

 private:
  QueueClient& client_;
  const Submission& submission_;
  std::unique_ptr<CommandTemplate> template_;
  json surroundings_ = surroundings();
  json jobs_ = json::array();
  std::size_t bytes_ = 0;  ///< of their words
};

/// Who writes them means inputs; a command without any is taken as it is, {} included.
void refuse_input_settings(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_group() == kInputsGroup && option->count() > 0)
      throw UsageError(
          option->get_name() +
          " is for inputs, and there are none: write them after ':::', or -a FILE (-a -: " + "standard input)");
}

/// Until there are no more, or a signal asks to stop.
void submit_all(Submitter& submitter, Inputs& inputs, Signals& signals) {
  Input input{.values = {}, .number = 0};
  for (;;) {
    const Next next = wait_for_next(inputs, signals, input.values, [&] { submitter.send(); });
    if (next != Next::kInput) break;
    ++input.number;
    submitter.add(input);
  }
  submitter.send();
}

}  // namespace

int submit_command(const Words& words) {
  CLI::App app("Give jobs to a queue", "prong submit");
  Submission submission;
  app.prefix_command();
  add_input_settings(app, submission.sources);
  begin_group(app, kCommandsGroup);
  app.add_flag("--shell", submission.with_shell, "Join the words of the command to a shell line");
  begin_group(app, kStartsGroup);
  add_parsed(app, "--priority", "N", "Run before jobs of a lower priority; default: 0",
             [&](const std::string& text) { submission.priority = parse_priority(text); });
  const auto store = [&](const JobSetting& setting, const std::string& text) {
    submission.settings[setting.name] = text;
  };
  begin_group(app, kLimitsGroup);
  add_job_settings(app, limit_settings(), store);
  begin_group(app, kFailuresGroup);
  add_job_settings(app, failure_settings(), store);
  app.add_option_function<std::string>(
         "--if-lost",
         [&](const std::string& text) {
           if_lost_of(text);
           submission.if_lost = text;
         },
         "What becomes of the job if it runs when the server ends; default: as the server says")
      ->type_name("fail|retry");
  begin_group(app, kOtherGroup);
  Words rest = words;
  const std::string queue = take_queue_name(rest);
  parse(app, manual_text(), rest);
  check_queue_name(queue);
  Arguments arguments = arguments_after_options(app);
  QueueClient client(queue);
  const bool has_inputs = arguments.command.empty() || !arguments.sources.empty() || !submission.sources.files.empty();
  if (!has_inputs) {
    refuse_input_settings(app);
    ReplacementNames names;
    names.none = true;
    Submitter submitter(client, submission, arguments.command, false, names);
    submitter.add({.values = {}, .number = 1});
    submitter.send();
    return kAllDone;
  }
  if (submission.sources.fill)
    submission.sources.length = command_length(arguments.command, form_of(submission, true), {});
  Signals signals;
  const std::optional<OpenedInputs> opened = open_sources(submission.sources, arguments, signals);
  if (!opened) return signals.exit_status();
  ReplacementNames names;
  names.columns = opened->column_names;
  Submitter submitter(client, submission, arguments.command, true, names);
  client.give_up_when([&signals] { return signals.wish() != Signals::Wish::kGoOn; });
  try {
    submit_all(submitter, *opened->inputs, signals);
  } catch (const SystemError& error) {
    if (error.error() != EINTR) throw;
  }
  return signals.exit_status();
}

}  // namespace prong::cli
