#include "os/proc.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "os/check.h"
#include "os/fd.h"

namespace prong::os {

std::optional<std::string> read_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 16384> piece;
  for (;;) {
    const auto size = retry([&] { return ::read(file.get(), piece.data(), piece.size()); });
    if (size <= 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(size));
  }
}

std::string_view stat_field(std::string_view stat, int index) {
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return {};
  stat.remove_prefix(name_end + 1);
  for (; !stat.empty(); --index) {
    stat.remove_prefix(std::min(stat.find_first_not_of(' '), stat.size()));
    const auto end = std::min(stat.find(' '), stat.size());
    if (index == 0) return stat.substr(0, end);
    stat.remove_prefix(end);
  }
  return {};
}

std::string folder_of(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

}  // namespace prong::os
