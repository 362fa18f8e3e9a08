#include "cli/queue/queue_client.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "cli/system/signals.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr MonotonicNs kPatience = std::chrono::nanoseconds(10s).count();
constexpr MonotonicNs kPatienceForNew = std::chrono::nanoseconds(2s).count();
constexpr auto kPause = 50ms;

}  // namespace

QueueClient::QueueClient(std::string queue) : queue_(std::move(queue)), folder_(control_folder()) {}

json QueueClient::ask(const json& request) {
  const std::string text = request.dump();
  if (text.size() >= kLongestRequest)
    throw UsageError("a request of " + std::to_string(text.size()) + " bytes is longer than queue '" + queue_ +
                     "' takes (256 MiB): give the job a file to read instead");
  MonotonicNs gone_since = 0;  // 0: the server is there
  for (;;) {
    try {
      if (!connection_) connection_.emplace(folder_, socket_of_queue(queue_));
      gone_since = 0;
      json answer = connection_->ask(text, std::nullopt, give_up_);
      if (answer.contains("error")) throw Error("queue " + queue_ + ": " + answer["error"].get<std::string>());
      return answer;
    } catch (const SystemError& error) {
      connection_.reset();
      const bool is_killed = error.error() == ECONNREFUSED;  // it has left its socket, which one that ends removes
      if (!is_killed && error.error() != ECONNRESET && error.error() != ENOENT) throw;
      if (gone_since == 0) gone_since = monotonic_now();
      if (monotonic_now() - gone_since >= (is_killed ? kPatience : kPatienceForNew))
        throw UsageError(nobody_there(is_killed));
      if (give_up_()) throw SystemError("ask '" + queue_ + "'", EINTR);
      std::this_thread::sleep_for(kPause);
    }
  }
}

std::string QueueClient::nobody_there(bool is_killed) const {
  return (is_killed ? "the server of queue '" + queue_ + "' was killed, and no other has come for 10 s"
                    : "nobody serves the queue '" + queue_ + "' on '" + folder_ + "/" + socket_of_queue(queue_) + "'") +
         "; start it: prong serve --name " + queue_;
}

std::string take_queue_name(std::vector<std::string>& words) {
  if (words.empty() || words.front().starts_with('-')) return {};
  std::string name = std::move(words.front());
  words.erase(words.begin());
  return name;
}

void check_queue_name(const std::string& name) {
  constexpr std::size_t kLongest = 64;
  constexpr std::string_view kOthers = "._@+-";
  if (name.empty()) throw UsageError("of which queue? Its name comes first");
  const auto may_be_there = [&](unsigned char c) {
    return (c < 0x80U && std::isalnum(c) != 0) || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (name.size() > kLongest || name.front() == '.' || name.front() == '-' || !std::ranges::all_of(name, may_be_there))
    throw UsageError("'" + name +
                     "' is no name of a queue, which has up to 64 letters, digits and ._@+-, and begins with "
                     "none of .-");
}

}  // namespace prong::cli
