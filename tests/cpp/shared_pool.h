// A pool of two workers that all tests of a suite share. It must survive everything that their jobs do.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "prong/prong.h"

namespace prong {

class SharedPoolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { shared_ = std::make_unique<Pool>(PoolOptions{.workers = 2}); }
  static void TearDownTestSuite() { shared_.reset(); }

  Pool& pool() { return *shared_; }

 private:
  static inline std::unique_ptr<Pool> shared_;
};

}  // namespace prong
