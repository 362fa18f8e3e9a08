#include "cli/queue/queue_waits.h"

#include <set>
#include <utility>

namespace prong::cli {

void QueueWaits::add(std::uint64_t client, const std::vector<std::uint64_t>& open, Result ended) {
  if (open.empty()) return ready_.push_back({client, ended});
  const auto wait = std::make_shared<Wait>(Wait{.client = client, .open = open.size(), .result = ended});
  for (const std::uint64_t number : open) by_job_.emplace(number, wait);
}

void QueueWaits::ended(std::uint64_t number, bool succeeded) {
  const auto [first, last] = by_job_.equal_range(number);
  for (auto each = first; each != last; ++each) {
    Wait& wait = *each->second;
    ++(succeeded ? wait.result.done : wait.result.failed);
    if (--wait.open == 0) ready_.push_back({wait.client, wait.result});
  }
  by_job_.erase(first, last);
}

std::vector<QueueWaits::Ready> QueueWaits::take_ready() {
  return std::exchange(ready_, {});
}

std::vector<std::uint64_t> QueueWaits::take_for_all() {
  return std::exchange(for_all_, {});
}

std::vector<std::uint64_t> QueueWaits::take_all() {
  std::set<std::shared_ptr<Wait>> waits;
  for (const auto& [number, wait] : std::exchange(by_job_, {})) waits.insert(wait);
  std::vector<std::uint64_t> clients = take_for_all();
  for (const std::shared_ptr<Wait>& wait : waits) clients.push_back(wait->client);
  return clients;
}

void QueueWaits::forget(const std::function<bool(std::uint64_t client)>& is_there) {
  std::erase_if(by_job_, [&](const auto& each) { return !is_there(each.second->client); });
  std::erase_if(for_all_, [&](std::uint64_t client) { return !is_there(client); });
}

}  // namespace prong::cli
