#include "cli/log/timeline.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "cli/log/log_rows.h"
#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr double kWidth = 1000;
constexpr double kLeft = 90;
constexpr double kPlot = kWidth - kLeft - 20;
constexpr double kLane = 18;
constexpr double kTitle = 34;
constexpr double kAxis = 30;
constexpr double kLegend = 26;
/// Bars of one colour that are closer than this become one.
constexpr double kMerged = 0.5;
constexpr double kNsPerSecond = 1e9;

enum class Colour { kSucceeded, kFailed, kEnded };

const char* colour_name(Colour colour) {
  switch (colour) {
    case Colour::kSucceeded:
      return "#4c9f70";
    case Colour::kFailed:
      return "#d1495b";
    case Colour::kEnded:
      break;
  }
  return "#9aa0a6";
}

Colour colour_of(const JournalAttempt& attempt) {
  if (attempt.outcome == "cancelled" || attempt.outcome == "unknown") return Colour::kEnded;
  const bool well = attempt.outcome == "returned" || (attempt.outcome == "exited" && attempt.code == 0);
  return well ? Colour::kSucceeded : Colour::kFailed;
}

struct Bar {
  double begin = 0;  ///< seconds from the start of the session
  double end = 0;
  Colour colour = Colour::kSucceeded;
  std::uint64_t first = 0;  ///< number of its first job
  std::uint64_t jobs = 0;
};

struct Part {
  std::int64_t session = 0;
  std::int64_t began = 0;
  std::int64_t ended = 0;
  std::map<int, std::vector<Bar>> lanes;  ///< by worker
  std::vector<int> workers;               ///< in order of appearance
};

/// First the extent of each session, then its bars, merged at the scale that follows from it.
class Timeline {
 public:
  void measure(const JournalAttempt& attempt) {
    if (parts_.empty() || parts_.back().session != attempt.session)
      parts_.push_back(
          {.session = attempt.session, .began = attempt.started, .ended = attempt.ended, .lanes = {}, .workers = {}});
    parts_.back().ended = std::max(parts_.back().ended, attempt.ended);
  }

  void add(std::uint64_t number, const JournalAttempt& attempt) {
    const auto part = std::ranges::find(parts_, attempt.session, &Part::session);
    if (part == parts_.end()) return;  // it began after the first reading
    const auto [lane, is_new] = part->lanes.try_emplace(attempt.worker_pid);
    if (is_new) part->workers.push_back(attempt.worker_pid);
    const auto at = [&](std::int64_t time) { return static_cast<double>(time - part->began) / kNsPerSecond; };
    const Bar bar{at(attempt.started), at(attempt.ended), colour_of(attempt), number, 1};
    std::vector<Bar>& bars = lane->second;
    if (!bars.empty() && bars.back().colour == bar.colour && (bar.begin - bars.back().end) * scale(*part) < kMerged &&
        is_thin(bars.back(), *part)) {
      bars.back().end = std::max(bars.back().end, bar.end);
      ++bars.back().jobs;
    } else {
      bars.push_back(bar);
    }
  }

  std::string svg(const JournalRun& run) const;

 private:
  static double extent(const Part& part) {
    return std::max(static_cast<double>(part.ended - part.began) / kNsPerSecond, 1e-6);
  }
  static double scale(const Part& part) { return kPlot / extent(part); }
  static bool is_thin(const Bar& bar, const Part& part) {
    return (bar.end - bar.begin) / static_cast<double>(bar.jobs) * scale(part) < 4 * kMerged;
  }
  static double height(const Part& part) { return kTitle + kLane * static_cast<double>(part.workers.size()) + kAxis; }
  static std::string drawn(const Part& part, double top);
  static std::string axis(const Part& part, double top);

  std::vector<Part> parts_;
};

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '&')
      safe += "&amp;";
    else if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~')
      safe += '?';
    else
      safe += c;
  }
  return safe;
}

// 1, 2 or 5 times a power of ten, so that there are five to ten of them.
double step_of(double extent) {
  const double rough = extent / 8;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
}

std::string Timeline::axis(const Part& part, double top) {
  const double lanes = kLane * static_cast<double>(part.workers.size());
  std::string text;
  const double step = step_of(extent(part));
  const int marks = static_cast<int>(extent(part) / step + 1e-9);
  for (int i = 0; i <= marks; ++i) {
    const double x = kLeft + i * step * scale(part);
    text +=
        fmt::format("<line x1='{0:.1f}' x2='{0:.1f}' y1='{1:.1f}' y2='{2:.1f}' stroke='#ddd'/>\n", x, top, top + lanes);
    text +=
        fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='middle'>{:g} s</text>\n", x, top + lanes + 16, i * step);
  }
  return text;
}

std::string Timeline::drawn(const Part& part, double top) {
  std::string text = fmt::format("<text x='{:.1f}' y='{:.1f}' font-weight='bold'>session of {}, {}</text>\n", kLeft,
                                 top + 22, time_text(part.began), seconds_text(extent(part)));
  top += kTitle;
  text += axis(part, top);
  for (const int worker : part.workers) {
    text += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='end'>{}</text>\n", kLeft - 8, top + 13, worker);
    for (const Bar& bar : part.lanes.at(worker)) {
      const double width = std::max((bar.end - bar.begin) * scale(part) - 0.3, 0.4);
      text += fmt::format("<rect x='{:.2f}' y='{:.1f}' width='{:.2f}' height='{:.1f}' fill='{}'><title>",
                          kLeft + bar.begin * scale(part), top + 2, width, kLane - 4, colour_name(bar.colour));
      text += bar.jobs == 1 ? fmt::format("job {}, {}", bar.first, seconds_text(bar.end - bar.begin))
                            : fmt::format("{} jobs from {} on", bar.jobs, bar.first);
      text += "</title></rect>\n";
    }
    top += kLane;
  }
  return text;
}

std::string Timeline::svg(const JournalRun& run) const {
  double total = kTitle + kLegend;
  for (const Part& part : parts_) total += height(part);
  std::string text = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0:.0f}' height='{1:.0f}' viewBox='0 0 {0:.0f} {1:.0f}'"
      " font-family='sans-serif' font-size='11'>\n<rect width='100%' height='100%' fill='white'/>\n",
      kWidth, total);
  constexpr std::size_t kLongest = 130;
  text += fmt::format("<text x='10' y='22' font-size='14'>{}</text>\n",
                      escaped(run.description.command.substr(0, kLongest)));
  double top = kTitle;
  for (const Part& part : parts_) {
    text += drawn(part, top);
    top += height(part);
  }
  double x = kLeft;
  for (const auto& [colour, name] : {std::pair(Colour::kSucceeded, "succeeded"), std::pair(Colour::kFailed, "failed"),
                                     std::pair(Colour::kEnded, "ended with the run")}) {
    text +=
        fmt::format("<rect x='{:.1f}' y='{:.1f}' width='12' height='12' fill='{}'/>", x, top + 2, colour_name(colour));
    text += fmt::format("<text x='{:.1f}' y='{:.1f}'>{}</text>\n", x + 17, top + 12, name);
    x += 110;
  }
  text += fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='end'>a lane for each worker process</text>\n",
                      kWidth - 20, top + 12);
  return text + "</svg>\n";
}

}  // namespace

std::string timeline_of(JournalReader& reader, const JournalRun& run) {
  Timeline timeline;
  reader.each_attempt(run.id, [&](std::uint64_t, const JournalAttempt& attempt) { timeline.measure(attempt); });
  reader.each_attempt(run.id,
                      [&](std::uint64_t number, const JournalAttempt& attempt) { timeline.add(number, attempt); });
  return timeline.svg(run);
}

void write_timeline(JournalReader& reader, const JournalRun& run, const std::string& path) {
  const std::string text = timeline_of(reader, run);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "we"), std::fclose);
  if (!file || std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() || std::fflush(file.get()) != 0)
    throw SystemError("write the timeline '" + path + "'", errno);
}

}  // namespace prong::cli
