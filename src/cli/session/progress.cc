#include "cli/session/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/session/bar.h"

namespace prong::cli {
namespace {

constexpr MonotonicNs kLiveInterval = 100'000'000;
constexpr MonotonicNs kPlainInterval = 5'000'000'000;
constexpr std::size_t kUsualColumns = 80;

// See https://no-color.org.
bool wants_color() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return (!refused || !*refused) && terminal && std::string_view(terminal) != "dumb";
}

std::chrono::nanoseconds as_time(double seconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(seconds, 1e9) * 1e9));
}

std::string rate_text(double rate) {
  return rate < 100 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

}  // namespace

std::string progress_text(const Tally& tally, std::chrono::nanoseconds elapsed) {
  const std::uint64_t done = tally.done + tally.earlier;
  std::string text = tally.total ? fmt::format("{}/{} done", done, *tally.total) : fmt::format("{} done", done);
  text += fmt::format(", {} failed", tally.failed);
  if (tally.skipped > 0) text += fmt::format(", {} skipped", tally.skipped);
  const double seconds = std::chrono::duration<double>(elapsed).count();
  if (tally.done == 0 || seconds <= 0) return text;
  const double rate = static_cast<double>(tally.done) / seconds;
  text += ", " + rate_text(rate);
  if (!tally.total) return text;
  if (done >= *tally.total) return text + ", " + clock_text(elapsed) + " in all";
  return text + ", " + clock_text(as_time(static_cast<double>(*tally.total - done) / rate)) + " left";
}

Progress::Progress(ProgressStyle style, MonotonicNs started, int fd)
    : fd_(fd),
      bar_(style.bar != ProgressMode::kOff && (::isatty(fd) || style.bar == ProgressMode::kAlways)),
      live_((bar_ || style.line != ProgressMode::kOff) && ::isatty(fd)),
      plain_(!live_ && (bar_ || style.line == ProgressMode::kAlways)),
      colored_(live_ && wants_color()),
      started_(started),
      due_(live_ ? started : started + kPlainInterval),
      recent_(started) {}

std::optional<MonotonicNs> Progress::next_due() const {
  if (!shown()) return std::nullopt;
  return due_;
}

void Progress::show(const Tally& tally, MonotonicNs now) {
  if (!shown() || now < due_) return;
  due_ = now + (live_ ? kLiveInterval : kPlainInterval);
  recent_.look(tally.done, now);
  const Text shown = text(tally, now);
  write(live_ ? erasing() + shown.bytes : shown.bytes + "\n");
  drawn_ = live_;
  drawn_width_ = shown.width;
}

Progress::Text Progress::text(const Tally& tally, MonotonicNs now) const {
  const std::size_t room = columns() - 1;  // in the last column, terminals would begin a new line
  if (!bar_) {
    std::string line = "prong: " + progress_text(tally, std::chrono::nanoseconds(now - started_));
    if (live_) line.resize(std::min(line.size(), room));
    return {.bytes = line, .width = line.size()};
  }
  const std::uint64_t rest = tally.total ? *tally.total - std::min(tally.all_done(), *tally.total) : 0;
  const auto left = recent_.time_for(rest);
  std::string plain = bar_text(tally, left, room, false);
  const std::size_t width = plain.size();
  return {.bytes = colored_ ? bar_text(tally, left, room, true) : std::move(plain), .width = width};
}

void Progress::erase() {
  if (!drawn_) return;
  write(erasing());
  drawn_ = false;
  drawn_width_ = 0;
}

void Progress::finish(const Tally& tally, MonotonicNs now) {
  if (!shown()) return;
  due_ = now;
  show(tally, now);
  if (live_) write("\n");
  drawn_ = false;
}

void Progress::write(std::string_view text) const {
  static_cast<void>(!::write(fd_, text.data(), text.size()));
}

std::size_t Progress::columns() const {
  winsize size{};
  return live_ && ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : kUsualColumns;
}

// A terminal that has become narrower since shows what was drawn in several rows.
std::string Progress::erasing() const {
  const std::size_t rows_above = drawn_ && drawn_width_ > 0 ? (drawn_width_ - 1) / columns() : 0;
  return rows_above == 0 ? "\r\x1b[K" : fmt::format("\r\x1b[{}A\x1b[J", rows_above);
}

}  // namespace prong::cli
