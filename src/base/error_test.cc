#include "prong/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace prong {
namespace {

TEST(ErrorTest, SystemErrorSaysWhatWasTriedAndWhy) {
  const SystemError error("open '/nowhere'", ENOENT);
  EXPECT_STREQ(error.what(), "cannot open '/nowhere': No such file or directory (ENOENT)");
  EXPECT_EQ(error.error(), ENOENT);
}

TEST(ErrorTest, UnknownNumberIsShown) {
  EXPECT_STREQ(SystemError("try", 99999).what(), "cannot try: error 99999");
}

}  // namespace
}  // namespace prong
