#include "os/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "os/memory.h"
#include "prong/error.h"

namespace prong::os {
namespace {

bool is_open(int number) {
  return ::fcntl(number, F_GETFD) != -1;
}

TEST(FdTest, ClosesWhenItGoes) {
  int number = -1;
  {
    const Fd fd = create_memfd("fd-test", 0);
    number = fd.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(FdTest, MovingLeavesNothingBehind) {
  Fd first = create_memfd("fd-test", 0);
  const int number = first.get();
  Fd second = std::move(first);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the subject
  EXPECT_EQ(second.get(), number);
  Fd third = create_memfd("fd-test", 0);
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(is_open(replaced));
}

TEST(FdTest, ReleaseGivesUpOwnership) {
  Fd fd = create_memfd("fd-test", 0);
  const int number = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(FdTest, ResetKeepsErrno) {
  Fd fd(1'000'000);  // closing it fails with EBADF
  errno = EAGAIN;
  fd.reset();
  EXPECT_EQ(errno, EAGAIN);
}

TEST(FdTest, DuplicateIsCloseOnExec) {
  const Fd fd = create_memfd("fd-test", 0);
  const Fd copy = fd.duplicate();
  EXPECT_NE(copy.get(), fd.get());
  EXPECT_NE(::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(FdTest, DuplicateOfNothingThrows) {
  EXPECT_THROW(Fd().duplicate(), SystemError);
}

}  // namespace
}  // namespace prong::os
