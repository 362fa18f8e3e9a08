// What can be submitted: functions, lambdas, function objects, with arguments and results of all kinds.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <numeric>

#include "cpp/samples.h"
#include "cpp/shared_pool.h"

namespace prong {
namespace {

int in_unnamed_namespace(int n) {
  return n + 1;
}
[[maybe_unused]] int overloaded(int) {
  return 1;
}
int overloaded(double) {
  return 2;
}

double half(double value) {
  return value / 2;
}
PRONG_FUNCTION(half);
PRONG_FUNCTION(samples::greet);
PRONG_FUNCTION(samples::mirrored);

class FunctionTest : public SharedPoolTest {};

TEST_F(FunctionTest, RunsInAnotherProcess) {
  const int pid = pool().submit(samples::process_id).get();
  EXPECT_NE(pid, ::getpid());
  EXPECT_GT(pid, 0);
}

TEST_F(FunctionTest, TakesFunctionsAndPointers) {
  EXPECT_EQ(pool().submit(samples::square, 7).get(), 49);
  EXPECT_EQ(pool().submit(&samples::square, 8).get(), 64);
  EXPECT_EQ(pool().submit(in_unnamed_namespace, 8).get(), 9);
  EXPECT_EQ(pool().submit(static_cast<int (*)(double)>(overloaded), 1).get(), 2);
  int (*chosen)(int) = samples::square;
  EXPECT_EQ(pool().submit(chosen, 3).get(), 9);
  chosen = in_unnamed_namespace;
  EXPECT_EQ(pool().submit(chosen, 3).get(), 4);
}

TEST_F(FunctionTest, TakesFunctionsOfOtherLibraries) {
  double (*cosine)(double) = std::cos;
  EXPECT_DOUBLE_EQ(pool().submit(cosine, 0.0).get(), 1.0);
}

TEST_F(FunctionTest, TakesLambdas) {
  EXPECT_EQ(pool().submit([] { return 5; }).get(), 5);
  EXPECT_EQ(pool().submit([](int a, long b) { return a + b; }, 1, 2).get(), 3);
  EXPECT_EQ(pool().submit([](const auto& text) { return text.size(); }, std::string("four")).get(), 4u);
  EXPECT_EQ(pool().submit([](auto... numbers) { return (numbers + ...); }, 1, 2, 3).get(), 6);
  EXPECT_EQ(pool().submit(std::plus<>(), 1, 2).get(), 3);
}

TEST_F(FunctionTest, TakesCapturesByValue) {
  const int factor = 3;
  const double shift = 0.5;
  const std::array<int, 3> table{10, 20, 30};
  EXPECT_DOUBLE_EQ(pool().submit([factor, shift](int n) { return factor * n + shift; }, 2).get(), 6.5);
  EXPECT_EQ(pool().submit([table] { return table[2]; }).get(), 30);
  EXPECT_EQ(pool().submit([n = 1]() mutable { return ++n; }).get(), 2);
}

TEST_F(FunctionTest, TakesFunctionObjectsWithSerialize) {
  EXPECT_EQ(pool().submit(samples::Prefixer{.prefix = "pre"}, "fix").get(), "prefix");
}

TEST_F(FunctionTest, ConvertsArgumentsToTheParameters) {
  EXPECT_EQ(pool().submit(samples::greet, "Ada", "Hello").get(), "Hello, Ada");
  EXPECT_EQ(pool().submit(samples::greet, std::string("Ada"), std::string("Hi").c_str()).get(), "Hi, Ada");
  EXPECT_EQ(pool().submit(samples::sum, std::vector{1, 2, 3}).get(), 6);
  EXPECT_EQ(pool().submit(samples::sum, std::array{4, 5}).get(), 9);
  EXPECT_DOUBLE_EQ(pool().submit(half, 3).get(), 1.5);
  EXPECT_EQ(pool().submit([](std::optional<int> n) { return n.value_or(-1); }, 4).get(), 4);
}

TEST_F(FunctionTest, TakesMoveOnlyArguments) {
  EXPECT_EQ(pool().submit(samples::take_ownership, std::make_unique<int>(6)).get(), 6);
}

TEST_F(FunctionTest, GivesResultsOfAllKinds) {
  pool().submit(samples::nothing).get();
  static_assert(std::is_void_v<decltype(pool().submit(samples::nothing).get())>);
  EXPECT_EQ(pool().submit(samples::longest, std::vector<std::string>{"a", "ccc", "bb"}).get(), "ccc");
  EXPECT_EQ(pool().submit(samples::first_word, "two words").get(), "two");
  EXPECT_EQ(pool().submit(samples::mirrored, samples::Point{.x = 1, .y = 2}).get(), (samples::Point{.x = 2, .y = 1}));
  EXPECT_EQ(*pool().submit([] { return std::make_unique<int>(5); }).get(), 5);
  EXPECT_EQ(pool().submit([] { return "literal"; }).get(), "literal");
  EXPECT_TRUE(pool().submit([] { return std::vector<int>(); }).get().empty());
}

TEST_F(FunctionTest, GetCanBeCalledAgain) {
  const Future<int> future = pool().submit(samples::square, 2);
  const Future<int> copy = future;
  EXPECT_EQ(future.get(), 4);
  EXPECT_EQ(future.get(), 4);
  EXPECT_EQ(copy.get(), 4);
}

TEST_F(FunctionTest, CarriesTenMegabytesBothWays) {
  std::vector<double> values(1'250'000);
  std::iota(values.begin(), values.end(), 0.0);
  auto negated = [](std::vector<double> numbers) {
    for (double& number : numbers) number = -number;
    return numbers;
  };
  const std::vector<double> result = pool().submit(negated, values).get();
  ASSERT_EQ(result.size(), values.size());
  EXPECT_EQ(result.front(), -values.front());
  EXPECT_EQ(result.back(), -values.back());
  EXPECT_EQ(pool().submit([](const std::string& text) { return text.size(); }, std::string(10'000'000, 'x')).get(),
            10'000'000u);
}

TEST_F(FunctionTest, FindsRegisteredFunctions) {
  EXPECT_DOUBLE_EQ(pool().submit(named<double(double)>("half"), 5).get(), 2.5);
  EXPECT_EQ(pool().submit(named<std::string(std::string_view, const char*)>("samples::greet"), "Bob", "Hey").get(),
            "Hey, Bob");
  EXPECT_EQ(pool().submit(named<samples::Point(const samples::Point&)>("samples::mirrored"), samples::Point{}).get(),
            samples::Point{});
}

std::string complaint_of(const AnyFuture& future) {
  const auto* raised = std::get_if<Raised>(&future.outcome());
  return raised ? raised->type + ": " + raised->message : describe(future.outcome());
}

TEST_F(FunctionTest, SaysWhatIsWrongWithAName) {
  EXPECT_EQ(complaint_of(pool().submit(named<int()>("missing")))
                .find("prong::UsageError: no function is registered as 'missing'"),
            0u);
  EXPECT_EQ(complaint_of(pool().submit(named<int(int)>("half"), 1)),
            "prong::UsageError: 'half' is registered as double (double), but was submitted as int (int)");
}

TEST_F(FunctionTest, LoadsThePluginThatHoldsTheFunction) {
  void* plugin = dlopen(PRONG_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(plugin, nullptr) << dlerror();
  auto* const plugged = reinterpret_cast<std::string (*)(int)>(dlsym(plugin, "plugged"));
  ASSERT_NE(plugged, nullptr);
  EXPECT_EQ(pool().submit(plugged, 7).get(), "plugged 7");
  // The worker above loaded the file for its sake, and with it the name; not necessarily the other one.
  EXPECT_EQ(
      Pool({.workers = 1, .initializer = encode_call(plugged, 0)}).submit(named<std::string(int)>("plugged"), 8).get(),
      "plugged 8");
}

TEST_F(FunctionTest, NullPointerIsRefusedAtTheCall) {
  int (*nowhere)(int) = nullptr;
  EXPECT_THROW(pool().submit(nowhere, 1), UsageError);
}

}  // namespace
}  // namespace prong
