#include "cli/python.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kName = "python3";
// Not by -m: that puts the current folder first, where a json.py would take the place of the library's.
constexpr const char* kClearPath = "import sys; sys.path[:] = [folder for folder in sys.path if folder]";

bool is_executable(const std::filesystem::path& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

std::filesystem::path own_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::string search_path() {
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders ? folders : "/usr/local/bin:/usr/bin:/bin";
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    const auto candidate = std::filesystem::path(rest.substr(0, end)) / kName;
    if (is_executable(candidate)) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  throw UsageError("there is no python3 in PATH; set PRONG_PYTHON to the interpreter to use");
}

}  // namespace

std::string find_python() {
  if (const char* chosen = std::getenv("PRONG_PYTHON"); chosen && *chosen) return chosen;
  const std::filesystem::path beside = own_folder() / kName;
  return is_executable(beside) ? beside.string() : search_path();
}

std::vector<std::string> python_command(const std::string& module) {
  return {find_python(), "-c", std::string(kClearPath) + "; from prong." + module + " import main; main()"};
}

std::vector<std::string> map_environment(const MapOptions& options) {
  std::vector<std::string> variables = {"PRONG_MAP_FUNCTION=" + options.function, "PRONG_MAP_INIT=" + options.first,
                                        "PRONG_MAP_EXIT=" + options.last};
  if (options.result == MapResult::kJson) variables.emplace_back("PRONG_MAP_RESULT=json");
  if (options.result == MapResult::kCells) variables.emplace_back("PRONG_MAP_RESULT=cells");
  if (options.input == MapInput::kJson) variables.emplace_back("PRONG_MAP_INPUT=json");
  if (options.input == MapInput::kUnpacked) variables.emplace_back("PRONG_MAP_INPUT=unpack");
  return variables;
}

Program python_map_worker(const MapOptions& options) {
  return {.arguments = python_command("_map_worker"), .environment = map_environment(options)};
}

}  // namespace prong::cli
