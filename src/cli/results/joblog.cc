#include "cli/results/joblog.h"

#include <cerrno>
#include <ctime>

#include <fmt/format.h>

#include "prong/error.h"

namespace prong::cli {
namespace {

constexpr double kNsPerSecond = 1e9;

double read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / kNsPerSecond;
}

double seconds(MonotonicNs duration) {
  return static_cast<double>(duration) / kNsPerSecond;
}

struct ToEnd {
  JobLogEnd operator()(const Returned&) const { return {0, 0}; }
  JobLogEnd operator()(const Exited& exited) const { return {exited.code, 0}; }
  JobLogEnd operator()(const Signalled& signalled) const { return {0, signalled.number}; }
  JobLogEnd operator()(const TimedOut&) const { return {-1, 15}; }
  JobLogEnd operator()(const Raised&) const { return {-1, 0}; }
  JobLogEnd operator()(const Cancelled&) const { return {-1, 15}; }
  JobLogEnd operator()(const Lost&) const { return {-1, 0}; }
};

}  // namespace

JobLogEnd joblog_end(const Outcome& outcome) {
  return std::visit(ToEnd{}, outcome);
}

std::string joblog_line(const JobLogEntry& entry) {
  return fmt::format("{}\t:\t{:.3f}\t{:10.3f}\t0\t{}\t{}\t{}\t{}\n", entry.number, entry.started_s, entry.seconds,
                     entry.output_bytes, entry.end.exit_value, entry.end.signal, entry.command);
}

JobLogEntry joblog_entry(std::uint64_t number, const Job& job, std::string command) {
  static const double clock_offset_s = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
  JobLogEntry entry{.number = number, .end = joblog_end(job.outcome()), .command = std::move(command)};
  if (job.attempts().empty()) return entry;
  const Attempt& last = job.attempts().back();
  const MonotonicNs started = last.started ? last.started : last.ended;
  entry.started_s = clock_offset_s + seconds(started);
  entry.seconds = seconds(last.ended - started);
  entry.output_bytes = last.output.size();
  return entry;
}

JobLog::JobLog(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "we")) {
  if (!file_) throw SystemError("write the job log '" + path + "'", errno);
  std::fputs(kJobLogHeading, file_.get());
  flush();
}

void JobLog::add(const JobLogEntry& entry) {
  std::fputs(joblog_line(entry).c_str(), file_.get());
}

void JobLog::flush() {
  if (std::fflush(file_.get()) != 0) throw SystemError("write the job log '" + path_ + "'", errno);
}

}  // namespace prong::cli
