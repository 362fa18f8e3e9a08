#include "cli/session/early_end.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

class NeverMore final : public Inputs {
 public:
  Next next(Values&) override { return given_++ < 2 ? Next::kInput : Next::kNotYet; }

 private:
  int given_ = 0;
};

TEST(EarlyEndTest, TellsWhatThereIs) {
  EXPECT_EQ((EarlyEnd{.done = 3, .not_run = 2}.text()), "3 done, 2 not run");
  EXPECT_EQ((EarlyEnd{.done = 3, .failed = 1, .killed = 2, .not_run = 1, .more = true}.text()),
            "3 done, 1 of them failed, 2 killed, at least 1 not run");
  EXPECT_EQ((EarlyEnd{.more = true}.text()), "0 done, the rest of the inputs not read");
}

TEST(EarlyEndTest, CountsTheRestToItsEnd) {
  EarlyEnd end{.not_run = 1};
  end.count_rest(*inputs_from_list({"a", "b", "c"}));
  EXPECT_EQ(end.not_run, 4);
  EXPECT_FALSE(end.more);
}

TEST(EarlyEndTest, DoesNotWaitForInputs) {
  NeverMore inputs;
  EarlyEnd end;
  end.count_rest(inputs);
  EXPECT_EQ(end.not_run, 2);
  EXPECT_TRUE(end.more);
}

}  // namespace
}  // namespace prong::cli
