#include "os/file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "prong/error.h"
#include "support/temporary.h"

namespace prong::os {
namespace {

std::string content_of(const std::string& path) {
  std::string content;
  EXPECT_TRUE(read_file(path, [&](ByteSpan bytes) { content += as_text(bytes); }));
  return content;
}

TEST(FileTest, IsMadeWholeAndNeverReplaced) {
  const std::string path = test::temporary_name();
  EXPECT_EQ(size_of_file(path), std::nullopt);
  EXPECT_TRUE(create_file(path, as_bytes("first")));
  EXPECT_FALSE(create_file(path, as_bytes("second one")));
  EXPECT_EQ(content_of(path), "first");
  EXPECT_EQ(size_of_file(path), 5U);
}

TEST(FileTest, LeavesNothingElseInItsFolder) {
  const std::string folder = test::temporary_name();
  create_folders(folder + "/a/b");
  EXPECT_TRUE(create_file(folder + "/a/b/file", as_bytes("x")));
  EXPECT_FALSE(create_file(folder + "/a/b/file", as_bytes("x")));
  const std::filesystem::directory_iterator all(folder + "/a/b");
  EXPECT_EQ(std::distance(begin(all), end(all)), 1);
}

TEST(FileTest, WhatCannotBeMadeIsSaid) {
  EXPECT_THROW(create_file("/proc/no/file", as_bytes("x")), SystemError);
  EXPECT_THROW(create_folders("/proc/no/folder"), SystemError);
  EXPECT_THROW(size_of_file("/dev/null/x"), SystemError);
}

TEST(FileTest, IsReadInOrderAtAnySize) {
  const std::string path = test::temporary_name();
  std::string bytes(200'000, 'a');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 251);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(content_of(path), bytes);
  EXPECT_FALSE(read_file(path + "-none", [](ByteSpan) { FAIL(); }));
  EXPECT_THROW(read_file("/", [](ByteSpan) {}), SystemError);
}

TEST(FileLockTest, OneHasItUntilItLetsGo) {
  const std::string path = test::temporary_name();
  create_file(path, as_bytes("x"));
  std::optional<FileLock> first = FileLock::try_lock(path);
  ASSERT_TRUE(first);
  EXPECT_FALSE(FileLock::try_lock(path));
  first.reset();
  EXPECT_TRUE(FileLock::try_lock(path));
  EXPECT_THROW(FileLock::try_lock(path + "-none"), SystemError);
}

TEST(FileLockTest, EndsWithItsProcess) {
  const std::string path = test::temporary_name();
  create_file(path, as_bytes("x"));
  const pid_t child = ::fork();
  if (child == 0) {
    const std::optional<FileLock> lock = FileLock::try_lock(path);
    ::_exit(lock ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(FileLock::try_lock(path));
}

}  // namespace
}  // namespace prong::os
