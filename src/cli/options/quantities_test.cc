#include "cli/options/quantities.h"

#include <gtest/gtest.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

using namespace std::chrono_literals;

TEST(QuantitiesTest, DurationsAreSecondsOrHaveAUnit) {
  EXPECT_EQ(parse_duration("10"), 10s);
  EXPECT_EQ(parse_duration("1.5"), 1500ms);
  EXPECT_EQ(parse_duration(".5"), 500ms);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("20us"), 20us);
  EXPECT_EQ(parse_duration("3s"), 3s);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("1d"), 24h);
}

TEST(QuantitiesTest, ImpossibleDurationsAreRefused) {
  for (const char* text : {"", "0", "-1", "x", "1x", "1 s", "1e400", "nan", "inf", "99999999999d", "0.0000000001"})
    EXPECT_THROW(parse_duration(text), UsageError) << text;
}

TEST(QuantitiesTest, SizesAreBytesOrHaveAUnit) {
  EXPECT_EQ(parse_size("100"), 100u);
  EXPECT_EQ(parse_size("64K"), 64u << 10);
  EXPECT_EQ(parse_size("1.5k"), 1536u);
  EXPECT_EQ(parse_size("500MB"), 500u << 20);
  EXPECT_EQ(parse_size("2GiB"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("1T"), std::uint64_t{1} << 40);
}

TEST(QuantitiesTest, ImpossibleSizesAreRefused) {
  for (const char* text : {"", "0", "-1", "x", "1X", "1 M", "M", "1MM", "0.1", "1iB", "99999999T"})
    EXPECT_THROW(parse_size(text), UsageError) << text;
}

TEST(QuantitiesTest, WorkersAreANumberOrAShare) {
  EXPECT_EQ(parse_workers("1", 8), 1);
  EXPECT_EQ(parse_workers("16", 8), 16);
  EXPECT_EQ(parse_workers("50%", 8), 4);
  EXPECT_EQ(parse_workers("200%", 8), 16);
  EXPECT_EQ(parse_workers("1%", 2), 1);
  EXPECT_EQ(parse_workers("+3", 8), 11);
}

TEST(QuantitiesTest, ImpossibleWorkersAreRefused) {
  for (const char* text : {"", "0", "-2", "0%", "x", "2x", "1.5", "1e9", "100001", "+", "+0", "++1", "+5%", "+-1"})
    EXPECT_THROW(parse_workers(text, 8), UsageError) << text;
}

TEST(QuantitiesTest, RefusalShowsWhatWouldBeRight) {
  try {
    parse_duration("soon");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "'soon' is not a duration: write seconds (10, 1.5) or a number with ms, s, m, h or d (500ms, 2m)");
  }
}

TEST(QuantitiesTest, ReadsRetries) {
  EXPECT_EQ(parse_retries("0"), 0);
  EXPECT_EQ(parse_retries("12"), 12);
  for (const char* text : {"-1", "1.5", "", "many", "3x"}) EXPECT_THROW(parse_retries(text), UsageError) << text;
}

TEST(QuantitiesTest, TextsMayHaveBytesByName) {
  EXPECT_EQ(parse_text("---\\n\\x41\\\\n\\"), "---\nA\\n\\");
  EXPECT_EQ(parse_text("\\0"), std::string(1, '\0'));
  EXPECT_EQ(parse_text(""), "");
  EXPECT_THROW(parse_text("\\q"), UsageError);
}

TEST(QuantitiesTest, LoadsMayBeShares) {
  EXPECT_EQ(parse_load("0.5", 8), 0.5);
  EXPECT_EQ(parse_load("50%", 8), 4);
  for (const char* text : {"0", "-1", "x", "4x", ""}) EXPECT_THROW(parse_load(text, 8), UsageError) << text;
}

}  // namespace
}  // namespace prong::cli
