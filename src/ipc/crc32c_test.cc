#include "ipc/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace prong::ipc {
namespace {

TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(crc32c(as_bytes("")), 0u);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283u);
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\0'))), 0x8A9136AAu);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(as_bytes(std::string(32, '\xFF'))), 0x62A8AB43u);
}

TEST(Crc32cTest, InstructionAndTableAgree) {
  std::mt19937 random(1);
  std::string text;
  for (int size = 0; size < 200; ++size) {
    EXPECT_EQ(crc32c(as_bytes(text)), crc32c_by_table(as_bytes(text))) << size;
    text.push_back(static_cast<char>(random()));
  }
}

TEST(Crc32cTest, EveryFlippedBitShows) {
  std::string text(80, 'x');
  const std::uint32_t good = crc32c(as_bytes(text));
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
    EXPECT_NE(crc32c(as_bytes(text)), good) << bit;
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
  }
}

}  // namespace
}  // namespace prong::ipc
