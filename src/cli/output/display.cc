#include "cli/output/display.h"

namespace prong::cli {

Sink& Display::of(std::uint64_t number) {
  if (!keep_order_ || number == next_) return screen_;
  return hold(number).recording;
}

void Display::end(std::uint64_t number) {
  if (!keep_order_) return;
  if (number != next_) {
    hold(number).ended = true;
    return;
  }
  for (bool ended = true; ended;) {
    const auto first = held_.find(++next_);
    if (first == held_.end()) return;
    first->second.recording.replay(screen_);
    ended = first->second.ended;
    held_.erase(first);
  }
}

}  // namespace prong::cli
