#include "cli/output/json_output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace prong::cli {
namespace {

std::string json_of(std::string_view output) {
  std::string text = "{";
  put_json_output("output", Payload::copy_of(output), [&](std::string_view part) { text += part; });
  return text + "}";
}

TEST(JsonOutputTest, TextIsText) {
  EXPECT_EQ(json_of(""), R"({"output":""})");
  EXPECT_EQ(json_of("a\n"), R"({"output":"a\n"})");
  EXPECT_EQ(json_of("\xC3\xBC\x7f"), "{\"output\":\"\xC3\xBC\x7f\"}");
}

TEST(JsonOutputTest, EveryByteOfTextComesBack) {
  std::string text;
  for (char byte = 0; byte < 0x7f; ++byte) text += byte;
  EXPECT_EQ(nlohmann::json::parse(json_of(text))["output"], text);
}

TEST(JsonOutputTest, OtherBytesAreInBase64) {
  EXPECT_EQ(json_of("\xff"), R"({"output_base64":"/w=="})");
  EXPECT_EQ(json_of("\xff\xfe"), R"({"output_base64":"//4="})");
  EXPECT_EQ(json_of("\xff\xfe\xfd"), R"({"output_base64":"//79"})");
  EXPECT_EQ(json_of("\xff\xfe\xfd\xfc"), R"({"output_base64":"//79/A=="})");
}

// Bytes of at most three: as the library that reads JSON sees them.
TEST(Utf8CheckTest, AgreesWithTheReaderOfJson) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      const std::string text = {'a', static_cast<char>(first), static_cast<char>(second), '\x80'};
      Utf8Check check;
      for (const char byte : text) check.add({&byte, 1});
      bool accepted = true;
      try {
        static_cast<void>(nlohmann::json(text).dump());
      } catch (const nlohmann::json::type_error&) {
        accepted = false;
      }
      EXPECT_EQ(check.valid(), accepted) << first << " " << second;
    }
  }
}

}  // namespace
}  // namespace prong::cli
