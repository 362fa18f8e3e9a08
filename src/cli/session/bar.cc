#include "cli/session/bar.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace prong::cli {
namespace {

constexpr std::size_t kShortestBar = 10;
constexpr std::size_t kLongestBar = 60;
constexpr const char* kRed = "\x1b[31m";
constexpr const char* kPlain = "\x1b[0m";

std::string bar_of(std::uint64_t done, std::uint64_t total, std::size_t width) {
  const std::size_t full = total == 0 ? width : std::min<std::size_t>(width, width * done / total);
  std::string bar(width, ' ');
  std::fill_n(bar.begin(), full, '#');
  if (full < width) bar[full] = '>';
  return "[" + bar + "] ";
}

struct Item {
  std::string text;
  bool is_failure = false;
};

std::vector<Item> items_of(const Tally& tally, std::optional<std::chrono::nanoseconds> left) {
  std::vector<Item> items;
  if (tally.total) {
    const std::uint64_t percent = *tally.total == 0 ? 100 : tally.all_done() * 100 / *tally.total;
    items.push_back({fmt::format("{}% {}/{}", percent, tally.all_done(), *tally.total)});
  } else {
    items.push_back({fmt::format("{} done", tally.all_done())});
  }
  if (tally.failed > 0) items.push_back({fmt::format("{} failed", tally.failed), true});
  if (tally.total && left && tally.all_done() < *tally.total) items.push_back({clock_text(*left) + " left"});
  return items;
}

std::size_t width_of(const std::vector<Item>& items) {
  std::size_t width = 2 * (items.size() - 1);  // ", "
  for (const Item& item : items) width += item.text.size();
  return width;
}

std::string joined(const std::vector<Item>& items, bool with_color) {
  std::string text;
  for (const Item& item : items) {
    if (!text.empty()) text += ", ";
    text += item.is_failure && with_color ? kRed + item.text + kPlain : item.text;
  }
  return text;
}

}  // namespace

std::string bar_text(const Tally& tally, std::optional<std::chrono::nanoseconds> left, std::size_t columns,
                     bool with_color) {
  std::vector<Item> items = items_of(tally, left);
  while (items.size() > 1 && width_of(items) > columns) items.pop_back();
  items.front().text.resize(std::min(items.front().text.size(), columns));
  constexpr std::size_t kAround = 3;  // "[" and "] "
  const std::size_t taken = width_of(items) + kAround;
  const std::size_t room = columns > taken ? std::min(columns - taken, kLongestBar) : 0;
  const bool has_bar = tally.total && room >= kShortestBar;
  return (has_bar ? bar_of(tally.all_done(), *tally.total, room) : "") + joined(items, with_color);
}

}  // namespace prong::cli
