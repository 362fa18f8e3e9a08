// JobTokens: prong's part in the jobserver of GNU make: a pipe (or fifo) with one byte for each job that may run in
// addition to the first of each of its clients. A client takes a byte before it starts another job, and puts it back.
//
//   prong ── requests ──> keeper ──> pipe of make        the keeper: a forked process that holds the tokens
//         <── answers ───
//
// When prong ends, however that is, the keeper sees it and puts back what it holds: nothing is lost by kill -9. (It is
// if the keeper itself is killed so.) To be made while the process has one thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/system/descriptor.h"

namespace prong::cli {

/// Where MAKEFLAGS says that the jobserver is.
struct JobserverAddress {
  std::string fifo{};  ///< or, if this is empty:
  int reader = -1;
  int writer = -1;

  bool operator==(const JobserverAddress&) const = default;
};

/// Nothing: there is none.
std::optional<JobserverAddress> jobserver_in(std::string_view makeflags);
/// Without what it says of a jobserver and of the number of jobs.
std::string without_jobserver(std::string_view makeflags);

class JobTokens {
 public:
  /// Those of the make that has started this program. Null: there is no such, or (which is told on standard error) it
  /// cannot be reached.
  static std::unique_ptr<JobTokens> of_make();
  /// Those for `jobs` jobs at a time, offered to all that is started from now on by MAKEFLAGS. Throws SystemError.
  static std::unique_ptr<JobTokens> own(int jobs);
  ~JobTokens();
  JobTokens(const JobTokens&) = delete;
  JobTokens& operator=(const JobTokens&) = delete;

  /// Whether so many are held. If not, one more is asked for; when it has come, this process gets SIGURG.
  bool hold(std::size_t count);
  /// Puts all others back.
  void keep(std::size_t count);
  /// No more are needed.
  void want_none();

  /// Descriptors by which jobs find the jobserver.
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  JobTokens(Descriptor reader, Descriptor writer, std::vector<int> descriptors);

  void hear();
  void tell(char request);

  Descriptor requests_;
  Descriptor answers_;
  pid_t keeper_ = -1;
  std::vector<int> descriptors_;
  std::vector<Descriptor> own_pipe_;
  std::size_t held_ = 0;
  bool asked_ = false;
};

}  // namespace prong::cli
