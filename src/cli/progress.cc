#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

namespace prong::cli {
namespace {

constexpr MonotonicNs kLiveInterval = 100'000'000;
constexpr MonotonicNs kPlainInterval = 5'000'000'000;
constexpr const char* kEraseLine = "\r\x1b[K";

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::min(seconds + 0.5, 1e9));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string rate_text(double rate) {
  return rate < 100 ? fmt::format("{:.1f}/s", rate) : fmt::format("{:.0f}/s", rate);
}

}  // namespace

std::string progress_text(const Tally& tally, std::chrono::nanoseconds elapsed) {
  const std::uint64_t done = tally.done + tally.earlier;
  std::string text = tally.total ? fmt::format("{}/{} done", done, *tally.total) : fmt::format("{} done", done);
  text += fmt::format(", {} failed", tally.failed);
  const double seconds = std::chrono::duration<double>(elapsed).count();
  if (tally.done == 0 || seconds <= 0) return text;
  const double rate = static_cast<double>(tally.done) / seconds;
  text += ", " + rate_text(rate);
  if (!tally.total) return text;
  if (done >= *tally.total) return text + ", " + clock_text(seconds) + " in all";
  return text + ", " + clock_text(static_cast<double>(*tally.total - done) / rate) + " left";
}

Progress::Progress(ProgressMode mode, MonotonicNs started, int fd)
    : fd_(fd),
      live_(mode != ProgressMode::kOff && ::isatty(fd)),
      plain_(mode == ProgressMode::kAlways && !live_),
      started_(started),
      due_(live_ ? started : started + kPlainInterval) {}

std::optional<MonotonicNs> Progress::next_due() const {
  if (!shown()) return std::nullopt;
  return due_;
}

void Progress::show(const Tally& tally, MonotonicNs now) {
  if (!shown() || now < due_) return;
  due_ = now + (live_ ? kLiveInterval : kPlainInterval);
  const std::string text = "prong: " + progress_text(tally, std::chrono::nanoseconds(now - started_));
  write(live_ ? kEraseLine + fitted(text) : text + "\n");
  drawn_ = live_;
}

void Progress::erase() {
  if (!drawn_) return;
  write(kEraseLine);
  drawn_ = false;
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

std::string Progress::fitted(std::string text) const {
  winsize size{};
  if (::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
    text.resize(std::min<std::size_t>(text.size(), size.ws_col - 1u));
  return text;
}

}  // namespace prong::cli
