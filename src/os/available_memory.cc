#include "os/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "os/check.h"

namespace prong::os {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kUnchecked = 1'000'000;

/// What the two versions of the memory controller call the same things.
struct Controller {
  const char* folder;
  const char* limit;
  const char* usage;
  const char* inactive;  ///< keys of memory.stat that count file pages of the group and those below it
  const char* active;
};
constexpr Controller kVersion1{"/fs/cgroup/memory", "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                               "total_inactive_file", "total_active_file"};
constexpr Controller kVersion2{"/fs/cgroup", "/memory.max", "/memory.current", "inactive_file", "active_file"};

/// The number a file consists of; nothing if there is none (no such file, "max").
std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

/// The number behind `key` in a file of lines "key number"; 0 if it is not there.
std::uint64_t number_of(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  std::string word;
  for (std::uint64_t number = 0; file >> word >> number; file.ignore(80, '\n')) {
    if (word == key) return number;
  }
  return 0;
}

std::uint64_t room_in_group(const Controller& controller, const std::string& folder) {
  const auto limit = read_number(folder + controller.limit);
  const auto usage = read_number(folder + controller.usage);
  if (!limit || !usage) return kUnlimited;
  const std::string statistics = folder + "/memory.stat";
  const auto cached = number_of(statistics, controller.inactive) + number_of(statistics, controller.active);
  const std::uint64_t used = *usage - std::min(*usage, cached);
  return *limit - std::min(*limit, used);
}

/// The least room in the group and in all above it. A path that is not visible here (a container shows its own group
/// as the root) costs nothing: what does not exist limits nothing.
std::uint64_t room_on_path(const Controller& controller, const std::string& sys_root, std::string path) {
  const std::string root = sys_root + controller.folder;
  std::uint64_t room = room_in_group(controller, root);
  while (path.size() > 1) {
    room = std::min(room, room_in_group(controller, root + path));
    path.resize(path.rfind('/'));
  }
  return room;
}

bool names_controller(std::string_view list, std::string_view name) {
  const std::string padded = "," + std::string(list) + ",";
  return padded.find("," + std::string(name) + ",") != std::string::npos;
}

/// `line`: "number:controllers:/path".
std::uint64_t room_by_line(const std::string& line, const std::string& sys_root) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return kUnlimited;
  const std::string controllers = line.substr(first + 1, second - first - 1);
  const std::string path = line.substr(second + 1);
  if (controllers.empty()) return room_on_path(kVersion2, sys_root, path);
  return names_controller(controllers, "memory") ? room_on_path(kVersion1, sys_root, path) : kUnlimited;
}

std::uint64_t room_in_groups(const std::string& proc_root, const std::string& sys_root) {
  std::ifstream file(proc_root + "/self/cgroup");
  std::uint64_t room = kUnlimited;
  for (std::string line; std::getline(file, line);) room = std::min(room, room_by_line(line, sys_root));
  return room;
}

std::uint64_t room_on_machine(const std::string& proc_root) {
  const std::uint64_t kilobytes = number_of(proc_root + "/meminfo", "MemAvailable:");
  return kilobytes == 0 ? kUnlimited : kilobytes * 1024;
}

}  // namespace

std::uint64_t available_memory(const std::string& proc_root, const std::string& sys_root) {
  return std::min(room_on_machine(proc_root), room_in_groups(proc_root, sys_root));
}

std::uint64_t available_memory() {
  return available_memory("/proc", "/sys");
}

void check_available_memory(std::uint64_t size) {
  if (size <= kUnchecked) return;
  const std::uint64_t available = available_memory();
  if (size > available) fail(ENOMEM, "reserve ", size, " bytes of shared memory: ", available, " are available");
}

}  // namespace prong::os
