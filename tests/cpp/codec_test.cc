// Values to bytes and back, in one process.
#include "prong/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "cpp/samples.h"

namespace prong {
namespace {

template <typename T>
T there_and_back(const T& value) {
  return decode_value<T>(encode_value(value).bytes());
}

template <typename T>
void expect_same(const T& value) {
  EXPECT_EQ(there_and_back(value), value);
}

enum class Colour : std::uint8_t { kRed, kBlue };

TEST(CodecTest, CarriesNumbersExactly) {
  expect_same(true);
  expect_same('x');
  expect_same(std::numeric_limits<std::int64_t>::min());
  expect_same(std::numeric_limits<std::uint64_t>::max());
  expect_same(0.1);
  expect_same(std::numeric_limits<long double>::denorm_min());
  expect_same(Colour::kBlue);
  EXPECT_TRUE(std::isnan(there_and_back(std::nan(""))));
  EXPECT_TRUE(std::signbit(there_and_back(-0.0)));
}

TEST(CodecTest, CarriesStandardTypes) {
  expect_same(std::string("a\0b", 3));
  expect_same(std::string());
  expect_same(std::vector<int>{1, 2, 3});
  expect_same(std::vector<bool>{true, false, true});
  expect_same(std::vector<std::byte>{std::byte{1}, std::byte{255}});
  expect_same(std::vector<std::vector<std::string>>{{"a"}, {}, {"b", "c"}});
  expect_same(std::map<std::string, std::optional<double>>{{"one", 1.0}, {"none", std::nullopt}});
  expect_same(std::variant<int, std::string>("text"));
  expect_same(std::tuple<int, std::pair<char, float>>(1, {'c', 2.5f}));
  expect_same(std::chrono::milliseconds(1500));
  expect_same(std::filesystem::path("/tmp/with space"));
}

TEST(CodecTest, CarriesTypesWithSerialize) {
  expect_same(samples::Point{.x = 1, .y = -2});
  expect_same(std::vector<samples::Point>(1000, {.x = 3, .y = 4}));
  const auto legacy = there_and_back(samples::Legacy{.name = "Ada", .age = 36});
  EXPECT_EQ(legacy.name, "Ada");
  EXPECT_EQ(legacy.age, 36);
}

TEST(CodecTest, KeepsWhatIsShared) {
  const auto number = std::make_shared<int>(7);
  const auto copies = there_and_back(std::vector{number, number});
  EXPECT_EQ(*copies[0], 7);
  EXPECT_EQ(copies[0], copies[1]);
}

TEST(CodecTest, CarriesLargeBlocksBesideSmallOnes) {
  for (const std::size_t size : {255u, 256u, 257u, 16'383u, 16'384u, 262'144u, 10'000'000u}) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
    expect_same(bytes);
    expect_same(std::string(size, 'x'));
    expect_same(std::pair(bytes, std::string("behind it")));
  }
}

/// A tuple is saved by cereal, and adds nothing.
template <typename T>
void expect_same_bytes_as_of_cereal(const T& value) {
  static_assert(detail::kIsPlain<T> && !detail::kIsPlain<std::tuple<T>>);
  const Payload plain = encode_value(value);
  const Payload by_cereal = encode_value(std::tuple<T>(value));
  EXPECT_EQ(plain.text(), by_cereal.text());
  EXPECT_EQ(decode_value<T>(by_cereal.bytes()), value);
  EXPECT_EQ(std::get<0>(decode_value<std::tuple<T>>(plain.bytes())), value);
}

TEST(CodecTest, PlainValuesAreSavedAsCerealDoes) {
  expect_same_bytes_as_of_cereal(7);
  expect_same_bytes_as_of_cereal(true);
  expect_same_bytes_as_of_cereal(-0.5);
  expect_same_bytes_as_of_cereal(std::string());
  expect_same_bytes_as_of_cereal(std::string(100'000, 'x'));
  expect_same_bytes_as_of_cereal(std::vector<double>{1, 2, 3});
  expect_same_bytes_as_of_cereal(std::vector<std::byte>{std::byte{7}});
}

TEST(CodecTest, BytesThatEndTooEarlyAreAnError) {
  const Payload payload = encode_value(std::string("twelve chars"));
  for (std::size_t size = 0; size < payload.size(); ++size)
    EXPECT_THROW(decode_value<std::string>(payload.bytes().first(size)), CodecError) << size;
}

TEST(CodecTest, BytesLeftOverAreAnError) {
  EXPECT_THROW(decode_value<std::int32_t>(encode_value(std::int64_t{1}).bytes()), CodecError);
}

TEST(BytesTest, PartsComeInOrder) {
  const std::string large(100'000, 'L');
  detail::Bytes bytes;
  bytes.append("a", 1);
  bytes.refer(as_bytes(large));
  bytes.append("b", 1);
  bytes.refer(as_bytes("small"));
  bytes.refer(as_bytes(large));
  std::string joined;
  for (const ByteSpan part : bytes.parts()) joined += as_text(part);
  EXPECT_EQ(joined, "a" + large + "bsmall" + large);
  EXPECT_EQ(bytes.payload().text(), joined);
}

TEST(BytesTest, GrowsFromTheStackToTheHeap) {
  detail::Bytes bytes;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    bytes.append(&i, sizeof i);
    expected.append(reinterpret_cast<const char*>(&i), sizeof i);
  }
  EXPECT_EQ(bytes.payload().text(), expected);
}

}  // namespace
}  // namespace prong
