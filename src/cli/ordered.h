// Ordered: hands things on in the order of their numbers (1, 2, 3, ...), or at once.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

namespace prong::cli {

template <typename Thing>
class Ordered {
 public:
  explicit Ordered(bool keep_order) : keep_order_(keep_order) {}

  /// Calls `hand_on` with `thing` and what waited for it, as far as it is their turn now.
  template <typename HandOn>
  void add(std::uint64_t number, Thing thing, HandOn hand_on) {
    if (!keep_order_) return hand_on(thing);
    held_.emplace(number, std::move(thing));
    for (auto first = held_.begin(); first != held_.end() && first->first == next_; first = held_.erase(first)) {
      hand_on(first->second);
      ++next_;
    }
  }

  std::size_t held() const { return held_.size(); }

 private:
  bool keep_order_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Thing> held_;
};

}  // namespace prong::cli
