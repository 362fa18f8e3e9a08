#include "os/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "prong/error.h"
#include "prong/payload.h"
#include "support/crash.h"

namespace prong::os {
namespace {

using Parts = std::vector<std::span<const std::byte>>;

std::string content_of(const Fd& fd) {
  std::string text(file_size(fd.get()), '\0');
  EXPECT_TRUE(read_at(fd.get(), 0, std::as_writable_bytes(std::span(text))));
  return text;
}

TEST(MemfdTest, SizedOneCannotBeResized) {
  const Fd fd = create_memfd("memory-test", 8192);
  EXPECT_EQ(file_size(fd.get()), 8192u);
  EXPECT_EQ(::ftruncate(fd.get(), 0), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 16384), -1);
  EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(MemfdTest, UnsizedOneGrows) {
  const Fd fd = create_memfd("memory-test", 0);
  write_parts(fd, Parts{as_bytes("hello, "), as_bytes("world")});
  EXPECT_EQ(content_of(fd), "hello, world");
}

TEST(MemfdTest, BeyondTheFileLimitIsAnErrorAndNoSignal) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      create_memfd("memory-test", 1'000'001);
    } catch (const SystemError& error) {
      ::_exit(error.error() == EFBIG ? 7 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST(WritePartsTest, MorePartsThanOneCallTakes) {
  const Fd fd = create_memfd("memory-test", 0);
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
  Parts parts;
  for (const auto& text : texts) {
    parts.push_back(as_bytes(text));
    expected += text;
  }
  write_parts(fd, parts);
  EXPECT_EQ(content_of(fd), expected);
}

TEST(CopyPartsTest, GoesWhereWritePartsDoes) {
  const Fd fd = create_memfd("memory-test", 10'000);
  const std::string old(10'000, 'o');
  write_parts(fd, Parts{as_bytes(old)});
  const Mapping mapping(fd.get(), 10'000, Mapping::Mode::kShared);
  const std::string text(5'000, 't');
  copy_parts(mapping, Parts{as_bytes(text), as_bytes(""), as_bytes("end")});
  EXPECT_EQ(content_of(fd), text + "end" + old.substr(5'003));
  copy_parts(mapping, {});
}

long faults_of_this_thread() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt;
}

/// Each would cost more than the copy of its page.
TEST(MappingTest, PopulatedOneIsWrittenWithoutAFaultForEachPage) {
  const std::string text(16 * 1024 * 1024, 't');
  const Fd fd = create_memfd("memory-test", text.size());
  write_parts(fd, Parts{as_bytes(text)});
  const long before = faults_of_this_thread();
  const Mapping mapping(fd.get(), text.size(), Mapping::Mode::kShared);
  mapping.populate(text.size());
#ifdef __SANITIZE_THREAD__
  const long own = 4 * 4096 * 4;  // of the memory in which ThreadSanitizer remembers each access
#else
  const long own = 0;
#endif
  copy_parts(mapping, Parts{as_bytes(text)});
  EXPECT_LT(faults_of_this_thread() - before, 1024 + own) << "for 4096 pages";
}

class SetAsideTest : public testing::Test {
 protected:
  static constexpr std::size_t kPages = 1500;  // more than are looked at together
  static constexpr std::size_t kPage = 4096;

  SetAsideTest() { write_parts(fd_, Parts{as_bytes(std::string(kPages * kPage, 'a'))}); }

  std::size_t count(char what) const {
    std::size_t pages = 0;
    for (std::size_t i = 0; i < kPages; ++i) pages += mapping_.data()[i * kPage] == std::byte(what) ? 1 : 0;
    return pages;
  }
  /// False where it is not permitted, or where a sanitizer does nothing instead.
  static bool locks(const Mapping& mapping) {
    return ::mlock(mapping.data(), mapping.size()) == 0 && ::madvise(mapping.data(), kPage, MADV_DONTNEED) != 0;
  }
  void write(std::size_t page) const { mapping_.data()[page * kPage] = std::byte{'w'}; }

  Fd fd_ = create_memfd("memory-test", kPages* kPage);
  Mapping mapping_{fd_.get(), kPages* kPage, Mapping::Mode::kCopyOnWrite};
};

TEST_F(SetAsideTest, ShowsTheFileAgainWhereverItWasWritten) {
  for (const std::size_t page : {0UL, 1UL, 3UL, 510UL, 511UL, 512UL, 513UL, 1024UL, kPages - 1}) write(page);
  EXPECT_EQ(count('w'), 9u);
  ASSERT_TRUE(mapping_.set_aside());
  EXPECT_EQ(count('a'), kPages);
  for (std::size_t page = 0; page < kPages; ++page) write(page);
  ASSERT_TRUE(mapping_.set_aside());
  EXPECT_EQ(count('a'), kPages);
}

TEST_F(SetAsideTest, ShowsWhatIsWrittenToTheFileLater) {
  EXPECT_EQ(count('a'), kPages);
  write(7);
  ASSERT_TRUE(mapping_.set_aside());
  write_parts(fd_, Parts{as_bytes(std::string(kPages * kPage, 'b'))});
  EXPECT_EQ(count('b'), kPages);
}

TEST_F(SetAsideTest, MayBeTakenUpAgain) {
  write(7);
  ASSERT_TRUE(mapping_.set_aside());
  ASSERT_TRUE(mapping_.take_up());
  write(8);
  EXPECT_EQ(count('w'), 1u);
}

/// The pages of a locked mapping are there from the beginning, and those of a private one are copies.
TEST_F(SetAsideTest, LockedOneIsNotTakenUp) {
  test::Child child([&] {
    Mapping mapping{fd_.get(), kPages * kPage, Mapping::Mode::kCopyOnWrite};
    if (!mapping.set_aside() || !locks(mapping)) return;
    if (mapping.take_up()) ::_exit(1);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

TEST_F(SetAsideTest, ForkedChildDoesNotTakeUpWhatItHasNot) {
  ASSERT_TRUE(mapping_.set_aside());
  test::Child child([&] {
    if (mapping_.take_up()) ::_exit(1);
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
  ASSERT_TRUE(mapping_.take_up());
  test::Child later([&] {
    if (count('a') != kPages) ::_exit(1);
  });
  later.wait();
  EXPECT_TRUE(later.ended_well());
}

TEST(MappingTest, ForkedChildDoesNotUnmapWhatItHasPutThere) {
  const Fd fd = create_memfd("memory-test", 8192);
  Mapping mapping(fd.get(), 8192, Mapping::Mode::kShared);
  test::Child child([&] {
    void* there =
        ::mmap(mapping.data(), 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (there != mapping.data()) ::_exit(1);
    mapping = {};
    *static_cast<volatile char*>(there) = 'c';
  });
  child.wait();
  EXPECT_TRUE(child.ended_well());
}

TEST_F(SetAsideTest, WhatWasOnlyReadStaysMapped) {
  EXPECT_EQ(count('a'), kPages);
  write(7);
  ASSERT_TRUE(mapping_.set_aside());
  const long before = faults_of_this_thread();
  EXPECT_EQ(count('a'), kPages);
  EXPECT_LT(faults_of_this_thread() - before, 10);
}

TEST(WritePartsTest, NothingIsFine) {
  const Fd fd = create_memfd("memory-test", 0);
  write_parts(fd, {});
  write_parts(fd, Parts{as_bytes(""), as_bytes("")});
  EXPECT_EQ(file_size(fd.get()), 0u);
}

TEST(WritePartsTest, MoreThanTheSegmentHoldsThrows) {
  const Fd fd = create_memfd("memory-test", 4096);
  const std::string text(5000, 'x');
  EXPECT_THROW(write_parts(fd, Parts{as_bytes(text)}), SystemError);
}

TEST(ReadAtTest, FalseAtTheEnd) {
  const Fd fd = create_memfd("memory-test", 10);
  std::byte room[8];
  EXPECT_TRUE(read_at(fd.get(), 2, room));
  EXPECT_FALSE(read_at(fd.get(), 3, room));
  EXPECT_FALSE(read_at(fd.get(), 1000, room));
}

TEST(MappingTest, SharedIsSeenByBothSides) {
  const Fd fd = create_memfd("memory-test", 4096);
  const Mapping here(fd.get(), 4096, Mapping::Mode::kShared);
  const Mapping there(fd.get(), 4096, Mapping::Mode::kShared);
  here.data()[5] = std::byte{42};
  EXPECT_EQ(there.data()[5], std::byte{42});
}

TEST(MappingTest, CopyOnWriteIsPrivate) {
  const Fd fd = create_memfd("memory-test", 4096);
  const Mapping mine(fd.get(), 4096, Mapping::Mode::kCopyOnWrite);
  mine.data()[5] = std::byte{42};
  EXPECT_EQ(content_of(fd)[5], '\0');
}

TEST(MappingTest, IsNotInheritedUnlessAskedFor) {
  const Fd fd = create_memfd("memory-test", 4096);
  const auto child_reads = [](const Mapping& mapping) {
    const pid_t child = ::fork();
    if (child == 0) {
      // A system call reports the missing page without a signal.
      const Fd probe = create_memfd("probe", 0);
      ::_exit(::write(probe.get(), mapping.data(), 1) == 1 ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 1;
  };
  EXPECT_FALSE(child_reads(Mapping(fd.get(), 4096, Mapping::Mode::kShared)));
  EXPECT_TRUE(child_reads(Mapping(fd.get(), 4096, Mapping::Mode::kShared, true)));
}

TEST(MappingTest, EmptyOneAndMoves) {
  const Fd fd = create_memfd("memory-test", 4096);
  EXPECT_EQ(Mapping(fd.get(), 0, Mapping::Mode::kShared).data(), nullptr);
  Mapping first(fd.get(), 4096, Mapping::Mode::kShared);
  std::byte* address = first.data();
  Mapping second;
  second = std::move(first);
  EXPECT_EQ(second.data(), address);
  EXPECT_EQ(second.size(), 4096u);
}

TEST(MappingTest, RefusedMappingThrows) {
  EXPECT_THROW(Mapping(-1, 4096, Mapping::Mode::kShared), SystemError);
}

}  // namespace
}  // namespace prong::os
