#include "cli/output/job_json.h"

namespace prong::cli {

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json input_json(const Input& input) {
  return input.values.size() == 1 ? Json(input.values.front()) : Json(input.values);
}

Json exception_json(const Outcome& outcome) {
  const auto* raised = std::get_if<Raised>(&outcome);
  if (!raised) return {{"type", nullptr}, {"message", describe(outcome)}};
  return {{"type", raised->type}, {"message", raised->message}, {"traceback", raised->traceback}};
}

double seconds_of(const Attempt& attempt) {
  return attempt.started == 0 ? 0 : static_cast<double>(attempt.ended - attempt.started) / 1e9;
}

}  // namespace prong::cli
