// JobLog: one line per finished job, in GNU parallel's format (tab-separated; times in seconds).
//
//   Seq  Host  Starttime  JobRuntime  Send  Receive  Exitval  Signal  Command
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "prong/job.h"

namespace prong::cli {

/// What the last two of its numbers say of an outcome: {exit value, signal}.
struct JobLogEnd {
  int exit_value = 0;
  int signal = 0;
};
/// A job that has no exit value (met a limit, raised, was lost) has -1; one that met a limit has signal 15, as there.
JobLogEnd joblog_end(const Outcome& outcome);

struct JobLogEntry {
  std::uint64_t number = 0;
  double started_s = 0;  ///< since 1970
  double seconds = 0;
  std::uint64_t output_bytes = 0;
  JobLogEnd end;
  std::string command;
};
inline constexpr const char* kJobLogHeading =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
/// Of the last attempt of a job that is done.
JobLogEntry joblog_entry(std::uint64_t number, const Job& job, std::string command);
std::string joblog_line(const JobLogEntry& entry);

class JobLog {
 public:
  /// Makes the file empty but for its heading. Throws SystemError.
  explicit JobLog(const std::string& path);

  void add(const JobLogEntry& entry);
  /// Throws SystemError.
  void flush();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace prong::cli
