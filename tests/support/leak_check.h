// LeakCheck: a test leaves no descriptor, no child and no zombie behind. Make one first in the test or its fixture.
#pragma once

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>

namespace prong::test {

/// The open descriptors of this process and what they are.
inline std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> found;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return found;
  while (const dirent* entry = ::readdir(folder)) {
    const int fd = std::atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == ::dirfd(folder)) continue;
    std::array<char, 256> target{};
    const auto size = ::readlinkat(::dirfd(folder), entry->d_name, target.data(), target.size() - 1);
    found[fd] = size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
  }
  ::closedir(folder);
  return found;
}

class LeakCheck {
 public:
  LeakCheck() = default;
  LeakCheck(const LeakCheck&) = delete;
  LeakCheck& operator=(const LeakCheck&) = delete;
  ~LeakCheck() {
    for (const auto& [fd, target] : open_descriptors()) {
      EXPECT_TRUE(before_.contains(fd)) << "descriptor " << fd << " (" << target << ") was left open";
    }
    siginfo_t child = {};
    const int result = ::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT | __WALL);
    EXPECT_EQ(result, -1) << "a child was left" << (child.si_pid != 0 ? " as a zombie" : "");
  }

 private:
  std::map<int, std::string> before_ = open_descriptors();
};

}  // namespace prong::test
