#include "cli/results/result_names.h"

#include <algorithm>

#include <fmt/format.h>

namespace prong::cli {
namespace {

constexpr std::size_t kLongestName = 200;   // of the 255 bytes that file systems take
constexpr std::size_t kLongestPath = 3000;  // of the 4096 bytes that the system takes, below a folder that has some

std::string numbered(std::string_view name, std::uint64_t job_number) {
  return fmt::format("{}\\#{}", name, job_number);
}

std::string escaped(std::string_view value) {
  if (value.empty()) return "\\e";
  if (value == "." || value == "..") return "\\" + std::string(value);
  std::string name;
  for (const char byte : value) {
    if (byte == '/')
      name += "\\_";
    else if (byte == '\\')
      name += "\\\\";
    else if (byte == '\t')
      name += "\\t";
    else if (byte == '\0')
      name += "\\0";
    else
      name += byte;
  }
  return name;
}

bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Not in the middle of a character of UTF-8 or behind a backslash that begins something.
std::string_view beginning(std::string_view name) {
  std::size_t size = kLongestName;
  while (size > kLongestName - 4 && is_inside_character(name[size])) --size;
  name = name.substr(0, size);
  const std::size_t text_end = name.find_last_not_of('\\') + 1;
  return (name.size() - text_end) % 2 == 1 ? name.substr(0, name.size() - 1) : name;
}

std::size_t total_length(const std::vector<std::string>& path) {
  std::size_t length = 0;
  for (const std::string& name : path) length += name.size() + 1;
  return length;
}

std::string joined(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& name : path) text.append(name).append("/");
  return text;
}

}  // namespace

std::string result_name(std::string_view value, std::uint64_t job_number) {
  std::string name = escaped(value.substr(0, kLongestName + 1));
  return name.size() <= kLongestName ? name : numbered(beginning(name), job_number);
}

std::vector<std::string> ResultPaths::path_of(const Input& input) {
  std::vector<std::string> path;
  for (std::size_t i = 0; i < input.values.size(); ++i) {
    path.push_back(column(i));
    path.push_back(result_name(input.values[i], input.number));
  }
  if (path.empty() || total_length(path) > kLongestPath) path = {numbered("", input.number)};
  if (!given_.insert(std::hash<std::string>()(joined(path))).second) path.back() = numbered(path.back(), input.number);
  return path;
}

// The files of a job must not be taken for the folder of a column.
std::string ResultPaths::column(std::size_t position) const {
  if (position >= column_names_.size()) return std::to_string(position + 1);
  std::string name = result_name(column_names_[position], position + 1);
  const bool is_file = name == "stdout" || name == "stderr" || name == "seq";
  return is_file ? "\\" + name : name;
}

}  // namespace prong::cli
