#include "cli/inputs/combined_inputs.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>

#include "prong/error.h"

namespace prong::cli {
namespace {

using Rows = std::vector<Values>;

/// Has nothing yet before each input and before the end, as a slow pipe.
class SlowInputs final : public Inputs {
 public:
  explicit SlowInputs(std::deque<std::string> list) : list_(std::move(list)) {}

  Next next(Values& values) override {
    if ((waiting_ = !waiting_)) return Next::kNotYet;
    if (list_.empty()) {
      waiting_ = true;
      return Next::kEnd;
    }
    values = {list_.front()};
    list_.pop_front();
    return Next::kInput;
  }

 private:
  std::deque<std::string> list_;
  bool waiting_ = false;
};

enum class Speed { kFast, kSlow };

std::unique_ptr<Inputs> source(Speed speed, std::vector<std::string> list) {
  if (speed == Speed::kFast) return inputs_from_list(std::move(list));
  return std::make_unique<SlowInputs>(std::deque<std::string>(list.begin(), list.end()));
}

InputsList sources(Speed speed, std::vector<std::vector<std::string>> lists) {
  InputsList all;
  for (std::vector<std::string>& list : lists) all.push_back(source(speed, std::move(list)));
  return all;
}

Rows rows_of(Inputs& inputs) {
  Rows rows;
  Values values;
  for (Next next = inputs.next(values); next != Next::kEnd; next = inputs.next(values))
    if (next == Next::kInput) rows.push_back(values);
  EXPECT_EQ(inputs.next(values), Next::kEnd);
  return rows;
}

/// Whether the number that is told beforehand is right, where one is told.
Rows counted_rows_of(Inputs& inputs) {
  const auto total = inputs.total();
  Rows rows = rows_of(inputs);
  EXPECT_EQ(total.value_or(rows.size()), rows.size());
  return rows;
}

class CombinedInputsTest : public testing::TestWithParam<Speed> {};

INSTANTIATE_TEST_SUITE_P(Speeds, CombinedInputsTest, testing::Values(Speed::kFast, Speed::kSlow),
                         [](const auto& speed) { return speed.param == Speed::kFast ? "Fast" : "Slow"; });

TEST_P(CombinedInputsTest, ProductHasEveryCombinationTheLastSourceFastest) {
  const auto inputs = product_of(sources(GetParam(), {{"a", "b"}, {"1", "2"}, {"x", "y"}}));
  EXPECT_EQ(counted_rows_of(*inputs), (Rows{{"a", "1", "x"},
                                            {"a", "1", "y"},
                                            {"a", "2", "x"},
                                            {"a", "2", "y"},
                                            {"b", "1", "x"},
                                            {"b", "1", "y"},
                                            {"b", "2", "x"},
                                            {"b", "2", "y"}}));
}

TEST_P(CombinedInputsTest, ProductWithNothingIsNothing) {
  EXPECT_EQ(counted_rows_of(*product_of(sources(GetParam(), {{"a"}, {}}))), Rows{});
  EXPECT_EQ(counted_rows_of(*product_of(sources(GetParam(), {{}, {"a"}}))), Rows{});
}

TEST_P(CombinedInputsTest, LinkedSourcesEndWithTheShortest) {
  const auto inputs = side_by_side(sources(GetParam(), {{"a", "b", "c"}, {"1", "2"}}), Shorter::kEndsAll);
  EXPECT_EQ(counted_rows_of(*inputs), (Rows{{"a", "1"}, {"b", "2"}}));
}

TEST_P(CombinedInputsTest, ShorterSourcesBeginAnew) {
  const auto inputs = side_by_side(sources(GetParam(), {{"a", "b", "c"}, {"1", "2"}, {"x"}}), Shorter::kBeginsAnew);
  EXPECT_EQ(counted_rows_of(*inputs), (Rows{{"a", "1", "x"}, {"b", "2", "x"}, {"c", "1", "x"}}));
}

TEST_P(CombinedInputsTest, NothingToBeginAnewWithIsNothing) {
  EXPECT_EQ(counted_rows_of(*side_by_side(sources(GetParam(), {{"a"}, {}}), Shorter::kBeginsAnew)), Rows{});
}

TEST_P(CombinedInputsTest, GroupsHaveAtMostSoMany) {
  const auto inputs = groups_of(source(GetParam(), {"a", "b", "c", "d", "e"}), 2, SIZE_MAX);
  EXPECT_EQ(counted_rows_of(*inputs), (Rows{{"a", "b"}, {"c", "d"}, {"e"}}));
}

TEST_P(CombinedInputsTest, GroupsHaveAsManyAsFit) {
  const std::size_t two = 2 * (3 + 1);
  const auto inputs = groups_of(source(GetParam(), {"aaa", "bbb", "ccc", "a long one", "d"}), SIZE_MAX, two);
  EXPECT_EQ(rows_of(*inputs), (Rows{{"aaa", "bbb"}, {"ccc"}, {"a long one"}, {"d"}}));
}

TEST_P(CombinedInputsTest, GroupsAreAsLargeAsTheCommandHasRoomFor) {
  const auto length = [](const Values& values) { return 10 + 5 * values.size(); };
  const auto inputs = groups_of(source(GetParam(), {"a", "b", "c", "d", "e"}), SIZE_MAX, 20, length);
  EXPECT_EQ(rows_of(*inputs), (Rows{{"a", "b"}, {"c", "d"}, {"e"}}));
}

TEST_P(CombinedInputsTest, GroupsOfNothingAreNone) {
  EXPECT_EQ(rows_of(*groups_of(source(GetParam(), {}), 2, SIZE_MAX)), Rows{});
}

TEST_P(CombinedInputsTest, ColumnsAreCutAtTheSeparator) {
  const auto inputs = columns_of(source(GetParam(), {"a,b", "c", "", ",d,"}), ",");
  EXPECT_EQ(counted_rows_of(*inputs), (Rows{{"a", "b"}, {"c"}, {""}, {"", "d", ""}}));
  EXPECT_EQ(rows_of(*columns_of(source(GetParam(), {"a  b c"}), " +")), (Rows{{"a", "b", "c"}}));
}

TEST(CombinedInputsRefusalTest, WrongSeparatorIsRefused) {
  EXPECT_THROW(columns_of(inputs_from_list({}), "("), UsageError);
}

}  // namespace
}  // namespace prong::cli
