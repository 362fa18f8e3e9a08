#include "cli/inputs/unseen_inputs.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

using Texts = std::vector<std::string>;

class UnseenInputsTest : public testing::Test {
 protected:
  std::unique_ptr<Inputs> unseen(Texts inputs, const std::string& key) {
    return unseen_inputs(inputs_from_list(std::move(inputs)), key, {}, [this] { ++woken_; });
  }

  Texts all(Inputs& inputs) {
    Texts texts;
    Values values;
    for (Next next = inputs.next(values); next != Next::kEnd; next = inputs.next(values)) {
      if (next == Next::kInput) texts.push_back(values.front());
      if (next == Next::kNotYet) ++waits_;
    }
    return texts;
  }

  int woken_ = 0;
  int waits_ = 0;
};

TEST_F(UnseenInputsTest, EachKeyIsThereOnce) {
  const auto inputs = unseen({"a", "b", "a", "", "a ", ""}, "{}");
  EXPECT_EQ(all(*inputs), (Texts{"a", "b", "", "a "}));
  EXPECT_EQ(inputs->skipped(), 2U);
}

TEST_F(UnseenInputsTest, AKeyIsWhatTheTemplateMakes) {
  EXPECT_EQ(all(*unseen({"x/a.c", "y/a.c", "x/b.c", "x/a.h"}, "{/}")), (Texts{"x/a.c", "x/b.c", "x/a.h"}));
  EXPECT_EQ(all(*unseen({"x/a.c", "y/a.c", "x/b.c", "x/a.h"}, "{//}-{/.}")), (Texts{"x/a.c", "y/a.c", "x/b.c"}));
}

TEST_F(UnseenInputsTest, AnEndlessRepetitionLeavesTheCallerItsTurn) {
  EXPECT_EQ(all(*unseen(Texts(25'001, "a"), "{}")), (Texts{"a"}));
  EXPECT_EQ(waits_, 2);
  EXPECT_EQ(woken_, 2) << "nothing else would end the wait";
}

TEST_F(UnseenInputsTest, ManyKeysAreToldApart) {
  Texts texts;
  for (int i = 0; i < 100'000; ++i) texts.push_back(std::to_string(i));
  const auto inputs = unseen(texts, "{}");
  EXPECT_EQ(all(*inputs).size(), texts.size());
  EXPECT_EQ(inputs->skipped(), 0U);
}

TEST_F(UnseenInputsTest, AKeyThatTellsNothingApartIsRefused) {
  EXPECT_THROW(unseen({"a"}, "x"), UsageError);
  EXPECT_THROW(unseen({"a"}, "{}{#}"), UsageError);
}

}  // namespace
}  // namespace prong::cli
