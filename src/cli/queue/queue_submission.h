// Submissions: what is asked of a queue, in the JSON of its protocol (docs/queue.md) and in its journal.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "prong/options.h"
#include "prong/queue_journal.h"

namespace prong::cli {

/// Text as it is; bytes that are no UTF-8 as {"base64": "..."}.
nlohmann::json json_of_bytes(const std::string& bytes);
/// Throws UsageError.
std::string bytes_of_json(const nlohmann::json& value, const char* what);

/// What becomes of a job that runs when its server ends.
enum class IfLost { kFail, kRetry };
IfLost if_lost_of(const std::string& name);

/// How to run a job, as the journal has it.
struct QueuedOptions {
  bool is_command = true;  ///< else a Python call
  int priority = 0;        ///< higher runs first
  IfLost if_lost = IfLost::kFail;
  bool withdrawn = false;  ///< cancelled while it ran
  JobOptions job{};
};
/// Throws for what no version of this has written.
QueuedOptions queued_options_of(const std::string& text);
/// The same options, `withdrawn` or not.
std::string withdrawn_options(const std::string& text, bool withdrawn);
/// "command" or "python"; "unknown" for such a text.
std::string kind_of_queued(const std::string& options);

/// Where it runs: what its submitter had around it.
struct QueuedSurroundings {
  std::string folder{};
  std::vector<std::string> environment{};  ///< NAME=value, all
  std::vector<std::string> program{};      ///< of Python: what its workers are
};
QueuedSurroundings queued_surroundings_of(const std::string& text);

/// The jobs of a request {"command": "submit", ...}, checked. Throws UsageError.
std::vector<SubmittedJob> submitted_jobs(const nlohmann::json& request, IfLost if_lost);

}  // namespace prong::cli
