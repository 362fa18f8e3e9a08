#include "cli/map_result.h"

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

}  // namespace
}  // namespace prong::cli
