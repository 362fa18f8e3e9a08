#include "cli/queue/queue_submission.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

#include "cli/options/job_settings.h"
#include "cli/output/base64.h"
#include "cli/output/json_output.h"
#include "prong/command.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kTicketSize = 16;

std::string text_of(const json& object, const char* name, const std::string& otherwise = {}) {
  const auto found = object.find(name);
  return found == object.end() ? otherwise : bytes_of_json(*found, name);
}

std::vector<std::string> list_of(const json& object, const char* name) {
  std::vector<std::string> list;
  const auto found = object.find(name);
  if (found == object.end()) return list;
  if (!found->is_array()) throw UsageError(std::string("'") + name + "' is to be a list");
  for (const json& each : *found) {
    list.push_back(bytes_of_json(each, name));
    if (list.back().find('\0') != std::string::npos) throw UsageError(std::string("'") + name + "' has a NUL byte");
  }
  return list;
}

/// 32 hexadecimal digits.
std::string ticket_of(const json& job) {
  const std::string digits = text_of(job, "ticket");
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    if (error != std::errc() || end != digits.data() + i + 2) break;
    bytes += static_cast<char>(byte);
  }
  if (digits.size() != 2 * kTicketSize || bytes.size() != kTicketSize)
    throw UsageError("'ticket' is to be 32 hexadecimal digits that no other submission has");
  return bytes;
}

/// A submitter may be a job itself: what that has been told of itself is not true of what it submits.
bool is_of_a_job(const std::string& variable) {
  constexpr std::array kNames = {
      "PRONG_JOB=", "PRONG_ATTEMPT=", "PRONG_WORKER=", "PRONG_SHARE=", "PRONG_QUEUE=", "PRONG_QUEUE_JOB="};
  return std::ranges::any_of(kNames, [&](const char* name) { return variable.starts_with(name); });
}

json settings_of(const json& job) {
  json settings = job.value("settings", json::object());
  if (!settings.is_object()) throw UsageError("'settings' is to be an object: {\"timeout\": \"10\"}");
  JobOptions checked;
  for (const auto& [name, text] : settings.items()) set_job_setting(name, bytes_of_json(text, name.c_str()), checked);
  return settings;
}

std::string options_of(const json& job, bool is_command, IfLost otherwise) {
  const json priority = job.value("priority", json(0));
  constexpr int kMost = 1'000'000'000;
  if (!priority.is_number_integer() || priority > kMost || priority < -kMost)
    throw UsageError("'priority' is to be a whole number between -1000000000 and 1000000000");
  const std::string if_lost = text_of(job, "if_lost", otherwise == IfLost::kRetry ? "retry" : "fail");
  if_lost_of(if_lost);
  return json{{"kind", is_command ? "command" : "python"},
              {"priority", priority},
              {"if_lost", if_lost},
              {"settings", settings_of(job)}}
      .dump();
}

std::string payload_of(const json& job, bool is_command) {
  if (is_command) {
    Command command{.arguments = list_of(job, "arguments")};
    if (command.arguments.empty()) throw UsageError("'arguments' of a command is empty");
    return std::string(encode(command).text());
  }
  const std::optional<std::string> call = from_base64(text_of(job, "call"));
  if (!call || call->empty()) throw UsageError("'call' is to be a pickled call in base64");
  return *call;
}

SubmittedJob submitted_job(const json& job, const std::string& surroundings, bool has_program, IfLost if_lost) {
  if (!job.is_object()) throw UsageError("each of 'jobs' is to be an object");
  const std::string kind = text_of(job, "kind", "command");
  const bool is_command = kind == "command";
  if (!is_command && kind != "python") throw UsageError("'" + kind + "' is no kind of job: write command or python");
  if (!is_command && !has_program) throw UsageError("the surroundings of a Python call have no 'program'");
  return {.ticket = ticket_of(job),
          .description = text_of(job, "description"),
          .input = text_of(job, "input"),
          .payload = payload_of(job, is_command),
          .options = options_of(job, is_command, if_lost),
          .surroundings = surroundings};
}

}  // namespace

json json_of_bytes(const std::string& bytes) {
  Utf8Check check;
  check.add(bytes);
  return check.valid() ? json(bytes) : json{{"base64", to_base64(bytes)}};
}

std::string bytes_of_json(const json& value, const char* what) {
  if (value.is_string()) return value;
  if (value.is_object() && value.size() == 1 && value.contains("base64") && value["base64"].is_string())
    if (std::optional<std::string> bytes = from_base64(value["base64"].get<std::string>())) return std::move(*bytes);
  throw UsageError(std::string("'") + what + "' is to be a text, or {\"base64\": \"...\"}");
}

IfLost if_lost_of(const std::string& name) {
  if (name == "retry") return IfLost::kRetry;
  if (name == "fail") return IfLost::kFail;
  throw UsageError("'" + name + "' does not say what becomes of lost jobs: write fail or retry");
}

QueuedOptions queued_options_of(const std::string& text) {
  const json options = json::parse(text);
  QueuedOptions result{.is_command = options.at("kind") == "command",
                       .priority = options.at("priority"),
                       .if_lost = if_lost_of(options.at("if_lost")),
                       .withdrawn = options.value("withdrawn", false)};
  for (const auto& [name, value] : options.at("settings").items())
    set_job_setting(name, bytes_of_json(value, name.c_str()), result.job);
  return result;
}

std::string withdrawn_options(const std::string& text, bool withdrawn) {
  json options = json::parse(text);
  options.erase("withdrawn");
  if (withdrawn) options["withdrawn"] = true;
  return options.dump();
}

std::string kind_of_queued(const std::string& options) {
  const json read = json::parse(options, nullptr, false);
  const json kind = read.is_object() ? read.value("kind", json()) : json();
  return kind.is_string() ? kind.get<std::string>() : "unknown";
}

namespace {

json list_of_bytes(const std::vector<std::string>& list) {
  json values = json::array();
  for (const std::string& each : list) values.push_back(json_of_bytes(each));
  return values;
}

/// The same for jobs that share them, whatever their submitters were told as jobs.
std::string text_of(const QueuedSurroundings& surroundings) {
  return json{{"folder", json_of_bytes(surroundings.folder)},
              {"environment", list_of_bytes(surroundings.environment)},
              {"program", list_of_bytes(surroundings.program)}}
      .dump();
}

}  // namespace

QueuedSurroundings queued_surroundings_of(const std::string& text) {
  const json surroundings = json::parse(text);
  std::vector<std::string> environment = list_of(surroundings, "environment");
  std::erase_if(environment, is_of_a_job);
  return {.folder = text_of(surroundings, "folder"),
          .environment = std::move(environment),
          .program = list_of(surroundings, "program")};
}

std::vector<SubmittedJob> submitted_jobs(const json& request, IfLost if_lost) {
  const json jobs = request.value("jobs", json());
  const json surroundings = request.value("surroundings", json());
  if (!jobs.is_array() || !surroundings.is_object()) throw UsageError("a submission has 'jobs' and 'surroundings'");
  const QueuedSurroundings read = queued_surroundings_of(surroundings.dump());
  const std::string text = text_of(read);
  if (!read.folder.starts_with('/')) throw UsageError("'folder' of the surroundings is to be a whole path");
  std::vector<SubmittedJob> submitted;
  submitted.reserve(jobs.size());
  for (const json& job : jobs) submitted.push_back(submitted_job(job, text, !read.program.empty(), if_lost));
  return submitted;
}

}  // namespace prong::cli
