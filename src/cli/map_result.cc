#include "cli/map_result.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

namespace prong::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kHeadSize = 8;
constexpr std::size_t kShapeOffset = 4;
constexpr char kSeveralValues = 1;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json input_of(const Input& input) {
  return input.values.size() == 1 ? Json(input.values.front()) : Json(input.values);
}

Json exception_of(const Outcome& outcome) {
  const auto* raised = std::get_if<Raised>(&outcome);
  if (!raised) return {{"type", nullptr}, {"message", describe(outcome)}};
  return {{"type", raised->type}, {"message", raised->message}, {"traceback", raised->traceback}};
}

double seconds_of(const Job& job) {
  if (job.attempts().empty() || job.attempts().back().started == 0) return 0;
  const Attempt& last = job.attempts().back();
  return static_cast<double>(last.ended - last.started) / 1e9;
}

}  // namespace

Payload encode_map_input(const Values& values) {
  std::string bytes(kHeadSize, '\0');
  if (values.size() == 1) return Payload::copy_of(bytes + values.front());
  bytes[kShapeOffset] = kSeveralValues;
  for (const std::string& value : values) {
    const auto size = static_cast<std::uint32_t>(value.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
  }
  return Payload::copy_of(bytes);
}

std::string_view decode_map_value(const Payload& result) {
  const std::string_view bytes = result.text();
  return bytes.substr(std::min(kHeadSize, bytes.size()));
}

std::string map_json(const Input& input, const Job& job) {
  std::string text = dumped({{"input", input_of(input)}, {"outcome", outcome_name(job.outcome())}});
  text.pop_back();
  // The value goes through unread: its numbers may be longer than those of C++.
  if (const auto* returned = std::get_if<Returned>(&job.outcome()))
    text += ",\"value\":" + std::string(decode_map_value(returned->value));
  else
    text += ",\"exception\":" + dumped(exception_of(job.outcome()));
  const std::string rest = dumped({{"attempts", job.attempts().size()}, {"seconds", seconds_of(job)}});
  return text + "," + rest.substr(1);
}

}  // namespace prong::cli
