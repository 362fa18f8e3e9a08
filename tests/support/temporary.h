// Names for files of a test, in a folder that nobody else has and that goes when the test's process ends.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace prong::test {

class TemporaryFolder {
 public:
  TemporaryFolder()
      : owner_(::getpid()), path_((std::filesystem::temp_directory_path() / "prong-test-XXXXXX").string()) {
    EXPECT_NE(::mkdtemp(path_.data()), nullptr) << path_;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (owner_ == ::getpid()) std::filesystem::remove_all(path_, ignored);  // and not in what it has forked
  }

  /// A path at which nothing was yet.
  std::string new_path() { return path_ + "/" + std::to_string(++count_); }

 private:
  pid_t owner_;
  std::string path_;
  int count_ = 0;
};

/// A path at which there is nothing. What is made there is removed with the process.
inline std::string temporary_name() {
  static TemporaryFolder folder;
  return folder.new_path();
}

}  // namespace prong::test
