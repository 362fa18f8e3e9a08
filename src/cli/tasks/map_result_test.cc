#include "cli/tasks/map_result.h"

#include <gtest/gtest.h>

namespace prong::cli {
namespace {

TEST(MapResultTest, HeadIsSetBeforeInputsAndTakenFromValues) {
  const Payload payload = encode_map_input({"in"});
  EXPECT_EQ(payload.text(), std::string_view("\0\0\0\0\0\0\0\0in", 10));
  EXPECT_EQ(decode_map_value(payload), "in");
  EXPECT_EQ(encode_map_input({"a", ""}).text(), std::string_view("\0\0\0\0\1\0\0\0\1\0\0\0a\0\0\0\0", 17));
  EXPECT_EQ(decode_map_value(Payload()), "");
}

Payload cell(std::string_view text) {
  return Payload::copy_of(std::string(8, '\0') + std::string(text));
}

TEST(MapResultTest, CellsHaveTheTypesOfTheirValues) {
  EXPECT_EQ(std::get<std::int64_t>(decode_map_cell(cell("i-9223372036854775808"))), INT64_MIN);
  EXPECT_EQ(std::get<std::string_view>(decode_map_cell(cell("s"))), "");
  EXPECT_EQ(std::get<ResultBytes>(decode_map_cell(cell("b\xFF"))).bytes, "\xFF");
  EXPECT_EQ(std::get<double>(decode_map_cell(cell("f1.5"))), 1.5);
  for (const char* text : {"n", "", "ix", "i99999999999999999999", "f", "?"})
    EXPECT_TRUE(std::holds_alternative<std::monostate>(decode_map_cell(cell(text)))) << text;
}

TEST(MapResultTest, InputsAreShownAsTheyAreGivenToTheFunction) {
  EXPECT_EQ(map_input_text({"a \"b"}, {}), "a \"b");
  EXPECT_EQ(map_input_text({"a", "\xFF"}, {}), "[\"a\",\"\xEF\xBF\xBD\"]");
  EXPECT_EQ(map_input_text({"1", "{\"x\":\n1.50}", "nan"}, {.form = MapInput::kJson}), "[1,{\"x\": 1.50},\"nan\"]");
  EXPECT_EQ(map_input_text({"1", "2"}, {.names = {"a", "b"}}), "{\"a\":\"1\",\"b\":\"2\"}");
  EXPECT_EQ(map_input_text({"1", "2"}, {.names = {"a", "b", "c"}}), "[\"1\",\"2\"]");
}

}  // namespace
}  // namespace prong::cli
