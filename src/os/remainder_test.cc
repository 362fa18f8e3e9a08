#include "os/remainder.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "prong/payload.h"

namespace prong::os {
namespace {

/// Writes `parts` by calls that see at most `window` of them and take at most `most` bytes.
std::string written_by_steps(const std::vector<std::string>& texts, std::size_t window, std::size_t most) {
  std::vector<std::span<const std::byte>> parts;
  for (const auto& text : texts) parts.push_back(as_bytes(text));
  Remainder rest(parts);
  std::string out;
  std::vector<iovec> vector(window);
  while (!rest.empty()) {
    std::string call;
    const int count = rest.fill(vector);
    for (int i = 0; i < count; ++i) {
      const iovec& entry = vector[static_cast<std::size_t>(i)];
      call.append(static_cast<const char*>(entry.iov_base), entry.iov_len);
    }
    call.resize(std::min(call.size(), most));
    rest.advance(call.size());
    out += call;
  }
  return out;
}

TEST(RemainderTest, AnyStepGivesTheSameBytes) {
  const std::vector<std::string> texts{"", "a", "", "", "bcd", "efghi", "", "jklmnopq", ""};
  for (std::size_t window = 1; window < 10; ++window) {
    for (std::size_t most = 1; most < 20; ++most) {
      EXPECT_EQ(written_by_steps(texts, window, most), "abcdefghijklmnopq") << window << " " << most;
    }
  }
}

TEST(RemainderTest, NothingIsEmpty) {
  EXPECT_TRUE(Remainder({}).empty());
  EXPECT_EQ(written_by_steps({"", ""}, 4, 4), "");
}

// The kernel takes 2 GiB less a page at most; the parts are never read here, only counted.
TEST(RemainderTest, CountsBeyondTwoGibibytes) {
  constexpr std::size_t kMostByCall = 0x7ffff000;
  const std::span<const std::byte> large(reinterpret_cast<const std::byte*>(4096), std::size_t{5} << 30);
  Remainder rest(std::span(&large, 1));
  rest.advance(kMostByCall);
  rest.advance(kMostByCall);
  std::array<iovec, 4> window{};
  EXPECT_EQ(rest.fill(window), 1);
  EXPECT_EQ(window[0].iov_len, large.size() - 2 * kMostByCall);
  EXPECT_EQ(window[0].iov_base, large.data() + 2 * kMostByCall);
}

}  // namespace
}  // namespace prong::os
