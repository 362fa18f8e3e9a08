// QueueClient: asks the server of a queue, also while that is killed and started again.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/system/control_socket.h"

namespace prong::cli {

/// Of a request in bytes; the server hears out no longer one.
inline constexpr std::size_t kLongestRequest = std::size_t{256} << 20;

class QueueClient {
 public:
  explicit QueueClient(std::string queue);

  /// The answer, however long it takes. If the server is killed meanwhile, the next one is asked once it is there: so a
  /// request must be one that may be made twice. Throws UsageError: nobody serves the queue, and nobody has begun to
  /// within two seconds, or, after one that was killed, within ten; Error: it refuses, or ends.
  nlohmann::json ask(const nlohmann::json& request);
  /// Asked after each signal: ask() throws SystemError (EINTR) then.
  void give_up_when(std::function<bool()> give_up) { give_up_ = std::move(give_up); }

 private:
  std::string nobody_there(bool is_killed) const;

  std::string queue_;
  std::string folder_;
  std::optional<ControlConnection> connection_;
  std::function<bool()> give_up_ = [] { return false; };
};

/// The name of a queue, which stands in front; empty: there is none.
std::string take_queue_name(std::vector<std::string>& words);
/// Throws UsageError for what is none.
void check_queue_name(const std::string& name);

}  // namespace prong::cli
