#include "cli/queue_client.h"

#include <cerrno>
#include <chrono>
#include <thread>

#include "cli/signals.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr MonotonicNs kPatience = std::chrono::nanoseconds(10s).count();
constexpr MonotonicNs kPatienceAtStart = std::chrono::nanoseconds(2s).count();
constexpr auto kPause = 50ms;

}  // namespace

QueueClient::QueueClient(std::string queue) : queue_(std::move(queue)), folder_(control_folder()) {}

json QueueClient::ask(const json& request) {
  const MonotonicNs began = monotonic_now();
  std::optional<MonotonicNs> until;
  for (;;) {
    try {
      if (!connection_) connection_.emplace(folder_, socket_of_queue(queue_));
      json answer = connection_->ask(request, std::nullopt);
      if (answer.contains("error")) throw Error("queue " + queue_ + ": " + answer["error"].get<std::string>());
      return answer;
    } catch (const SystemError& error) {
      const bool was_connected = connection_.has_value();
      connection_.reset();
      const bool may_start = error.error() == ENOENT && monotonic_now() < began + kPatienceAtStart;
      if (error.error() == ENOENT && !may_start)
        throw UsageError("nobody serves the queue '" + queue_ + "'; start it: prong serve --name " + queue_);
      if (error.error() != ECONNREFUSED && error.error() != ECONNRESET && !may_start) throw;
      if (was_connected || !until) until = monotonic_now() + kPatience;
      if (monotonic_now() >= *until)
        throw Error("the server of queue '" + queue_ +
                    "' was killed, and none has come for 10 s; start it: prong serve --name " + queue_);
      std::this_thread::sleep_for(kPause);
    }
  }
}

std::string take_queue_name(std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with('-')) return {};
  std::string name = std::move(words.front());
  words.erase(words.begin());
  return name;
}

void check_queue_name(const std::string& name) {
  if (name.empty()) throw UsageError("of which queue? Its name comes first");
  if (name.find('/') != std::string::npos || name.starts_with('.'))
    throw UsageError("'" + name + "' is no name of a queue, which has no '/' and does not begin with '.'");
}

}  // namespace prong::cli
