#include "cli/tasks/python.h"

#include <cstdlib>
#include <filesystem>

#include "cli/system/search_path.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr const char* kName = "python3";
// Not by -m: that puts the current folder first, where a json.py would take the place of the library's.
constexpr const char* kClearPath = "import sys; sys.path[:] = [folder for folder in sys.path if folder]";

std::filesystem::path own_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::string python_in_path() {
  if (const auto found = find_program(kName)) return *found;
  throw UsageError("there is no python3 in PATH; set PRONG_PYTHON to the interpreter to use");
}

}  // namespace

std::string find_python() {
  if (const char* chosen = std::getenv("PRONG_PYTHON"); chosen && *chosen) return chosen;
  const std::filesystem::path beside = own_folder() / kName;
  return is_executable(beside) ? beside.string() : python_in_path();
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
