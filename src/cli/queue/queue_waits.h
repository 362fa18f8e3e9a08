// QueueWaits: who waits for which jobs of a queue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace prong::cli {

class QueueWaits {
 public:
  struct Result {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
  };
  struct Ready {
    std::uint64_t client = 0;
    Result result{};
  };

  /// `open`: jobs that have not ended; `ended`: of those that have, which the client asked for, too.
  void add(std::uint64_t client, const std::vector<std::uint64_t>& open, Result ended);
  void ended(std::uint64_t number, bool succeeded);
  /// Those that have waited enough.
  std::vector<Ready> take_ready();

  /// Until no job is open.
  void add_for_all(std::uint64_t client) { for_all_.push_back(client); }
  /// When none is.
  std::vector<std::uint64_t> take_for_all();
  /// Clients, once for each of their waits. Nobody waits any more.
  std::vector<std::uint64_t> take_all();
  /// Of those who have gone away nothing is kept.
  void forget(const std::function<bool(std::uint64_t client)>& is_there);

 private:
  struct Wait {
    std::uint64_t client = 0;
    std::size_t open = 0;
    Result result{};
  };

  std::unordered_multimap<std::uint64_t, std::shared_ptr<Wait>> by_job_;
  std::vector<std::uint64_t> for_all_;  ///< clients
  std::vector<Ready> ready_;
};

}  // namespace prong::cli
