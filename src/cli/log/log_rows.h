// The rows of `prong log`: jobs and attempts as people and programs read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "prong/journal.h"

namespace prong::cli {

struct LogFilter {
  bool failed = false;
  bool unfinished = false;
  std::optional<std::chrono::nanoseconds> slower;
  std::optional<int> worker;

  bool matches(const JournalJob& job) const;
};

enum class LogFormat { kNone, kTable, kJson, kCsv, kJobLog };

/// The columns' names; empty where the format has none.
std::string rows_heading(LogFormat format);
/// A line.
std::string row_of(const JournalJob& job, LogFormat format);

std::string run_line(const JournalRun& run);
std::string job_heading(const JournalJob& job);
std::string attempt_line(const JournalAttempt& attempt);
/// Whether outputs are pickles, as of calls that a queue has run.
bool is_pickled(const JournalJob& job);
/// What is shown instead of one. Empty if there is none.
std::string pickle_text(std::uint64_t bytes);
/// What was written, each line after four blanks, and how much is missing. Empty if nothing was written.
std::string indented(std::string_view name, std::string_view text, std::uint64_t bytes);

/// From start to end; 0: it never began.
double seconds_of(const JournalAttempt& attempt);
/// "2026-11-29 09:15:02", in local time; "-" for 0.
std::string time_text(std::int64_t time);
/// "0.003 s", "12.4 s", "3:07".
std::string seconds_text(double seconds);
/// "512 KiB", "64.2 MiB".
std::string memory_text(std::int64_t bytes);

}  // namespace prong::cli
