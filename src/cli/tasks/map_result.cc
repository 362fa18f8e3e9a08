#include "cli/tasks/map_result.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "cli/output/job_json.h"

namespace prong::cli {
namespace {

constexpr std::size_t kHeadSize = 8;
constexpr std::size_t kShapeOffset = 4;
constexpr char kSeveralValues = 1;

// As it came, if it is JSON: its numbers may be longer than those of C++.
std::string json_of(const std::string& value, MapInput form) {
  if (form == MapInput::kText || !Json::accept(value)) return dumped(value);
  std::string line = value;
  std::ranges::replace(line, '\n', ' ');
  std::ranges::replace(line, '\r', ' ');
  return line;
}

std::string input_of(const Values& values, const InputStyle& style) {
  if (values.size() == 1 && style.names.empty()) return json_of(values.front(), style.form);
  const bool named = values.size() == style.names.size();
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) text += ',';
    if (named) text += dumped(style.names[i]) + ':';
    text += json_of(values[i], style.form);
  }
  return named ? "{" + text + "}" : "[" + text + "]";
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

ResultValue decode_map_cell(const Payload& result) {
  std::string_view cell = decode_map_value(result);
  if (cell.empty()) return {};
  const char kind = cell.front();
  cell.remove_prefix(1);
  if (kind == 's') return cell;
  if (kind == 'b') return ResultBytes{cell};
  std::int64_t integer = 0;
  if (kind == 'i' && std::from_chars(cell.data(), cell.data() + cell.size(), integer).ec == std::errc()) return integer;
  double number = 0;
  if (kind == 'f' && std::from_chars(cell.data(), cell.data() + cell.size(), number).ec == std::errc()) return number;
  return {};
}

std::string map_input_text(const Values& values, const InputStyle& style) {
  return values.size() == 1 ? values.front() : input_of(values, style);
}

double seconds_of(const Job& job) {
  return job.attempts().empty() ? 0 : seconds_of(job.attempts().back());
}

std::string map_json(const Input& input, const InputStyle& style, const Job& job) {
  std::string text =
      "{\"input\":" + input_of(input.values, style) + ",\"outcome\":" + dumped(outcome_name(job.outcome()));
  // The value goes through unread: its numbers may be longer than those of C++.
  if (const auto* returned = std::get_if<Returned>(&job.outcome()))
    text += ",\"value\":" + std::string(decode_map_value(returned->value));
  else
    text += ",\"exception\":" + dumped(exception_json(job.outcome()));
  const std::string rest = dumped({{"attempts", job.attempts().size()}, {"seconds", seconds_of(job)}});
  return text + "," + rest.substr(1);
}

}  // namespace prong::cli
