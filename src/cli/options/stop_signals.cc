#include "cli/options/stop_signals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>
#include <string>

#include "cli/options/quantities.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

struct Name {
  std::string_view text;
  int signal;
};

constexpr std::array kNames = {Name{"TERM", SIGTERM}, Name{"INT", SIGINT},   Name{"HUP", SIGHUP},
                               Name{"QUIT", SIGQUIT}, Name{"KILL", SIGKILL}, Name{"USR1", SIGUSR1},
                               Name{"USR2", SIGUSR2}, Name{"ALRM", SIGALRM}, Name{"PIPE", SIGPIPE}};

std::optional<int> whole_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

int parse_signal(std::string_view text) {
  const std::string_view name = text.starts_with("SIG") ? text.substr(3) : text;
  const std::optional<int> number = whole_number(text);
  const auto found = std::ranges::find_if(
      kNames, [&](const Name& each) { return each.text == name || (number && each.signal == *number); });
  if (found != kNames.end()) return found->signal;
  throw UsageError("'" + std::string(text) +
                   "' is no signal that ends a job: write TERM, INT, HUP, QUIT, USR1, USR2, ALRM, PIPE or KILL, with "
                   "the milliseconds until the next one between them (INT,500,TERM,2s,KILL)");
}

std::chrono::nanoseconds parse_wait(std::string_view text) {
  const std::optional<int> milliseconds = whole_number(text);
  return milliseconds ? std::chrono::milliseconds(*milliseconds) : parse_duration(text);
}

}  // namespace

std::vector<StopSignal> parse_stop_signals(std::string_view text) {
  std::vector<StopSignal> signals;
  bool is_signal = true;
  for (std::size_t begin = 0; begin <= text.size(); is_signal = !is_signal) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (is_signal)
      signals.push_back({.signal = parse_signal(word)});
    else
      signals.back().wait = parse_wait(word);
    begin = end + 1;
  }
  if (signals.size() <= kMostStopSignals) return signals;
  throw UsageError("'" + std::string(text) + "' has more than " + std::to_string(kMostStopSignals) + " signals");
}

}  // namespace prong::cli
