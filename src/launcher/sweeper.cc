#include "launcher/sweeper.h"

#include <algorithm>

namespace prong::launcher {

Sweeper::Ticket Sweeper::begin(std::int64_t now) {
  sweeps_.push_back({++last_ticket_, now + kBoundNs});
  due_ = now;
  pause_ = kFirstPauseNs;
  return last_ticket_;
}

void Sweeper::finish(Round& round, std::uint32_t unconfirmed) {
  round.finished.push_back({sweeps_.front().ticket, unconfirmed, known_.empty() ? 0 : *known_.begin()});
  sweeps_.pop_front();
}

Sweeper::Round Sweeper::round(const std::vector<pid_t>& strangers, std::int64_t now) {
  Round round;
  known_.clear();
  for (const pid_t pid : strangers) {
    if (!abandoned_.contains(pid)) known_.insert(pid);
  }
  round.kill.assign(known_.begin(), known_.end());
  const auto left = static_cast<std::uint32_t>(known_.size());
  while (!sweeps_.empty() && (left == 0 || sweeps_.front().deadline <= now)) finish(round, left);
  if (left > 0 && !round.finished.empty()) abandoned_.insert(known_.begin(), known_.end());
  due_ = now + pause_;
  pause_ = std::min(2 * pause_, kLongestPauseNs);
  return round;
}

void Sweeper::reaped(pid_t pid, std::int64_t now) {
  abandoned_.erase(pid);
  if (known_.erase(pid) > 0 && known_.empty()) due_ = now;
}

}  // namespace prong::launcher
