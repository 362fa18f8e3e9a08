#include <gtest/gtest.h>

#include "engine/text_runner.h"

int main(int argc, char** argv) {
  prong::test::serve_if_asked();
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
