#include "cli/queue_waits.h"

#include <utility>

namespace prong::cli {

void QueueWaits::add(std::uint64_t client, const std::vector<std::uint64_t>& open, Result ended) {
  if (open.empty()) return ready_.push_back({client, ended});
  const auto wait = std::make_shared<Wait>(Wait{.client = client, .open = open.size(), .result = ended});
  for (const std::uint64_t number : open) by_job_.emplace(number, wait);
}

void QueueWaits::add_for_all(std::uint64_t client) {
  for_all_.push_back({.client = client});
}

void QueueWaits::ended(std::uint64_t number, bool succeeded) {
  const auto count = [succeeded](Wait& wait) { ++(succeeded ? wait.result.done : wait.result.failed); };
  const auto [first, last] = by_job_.equal_range(number);
  for (auto each = first; each != last; ++each) {
    Wait& wait = *each->second;
    count(wait);
    if (--wait.open == 0) ready_.push_back({wait.client, wait.result});
  }
  by_job_.erase(first, last);
  for (Wait& wait : for_all_) count(wait);
}

std::vector<QueueWaits::Ready> QueueWaits::take_ready(bool all_ended) {
  if (all_ended)
    for (const Wait& wait : std::exchange(for_all_, {})) ready_.push_back({wait.client, wait.result});
  return std::exchange(ready_, {});
}

void QueueWaits::forget(const std::function<bool(std::uint64_t client)>& is_there) {
  std::erase_if(by_job_, [&](const auto& each) { return !is_there(each.second->client); });
  std::erase_if(for_all_, [&](const Wait& wait) { return !is_there(wait.client); });
}

}  // namespace prong::cli
