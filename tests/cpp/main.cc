// The tests of the C++ face start themselves again as workers, so they have a main of their own.
#include <gtest/gtest.h>

#include "prong/init.h"

int main(int argc, char** argv) {
  prong::init(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
