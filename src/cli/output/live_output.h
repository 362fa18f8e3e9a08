// LiveOutput: shows the output of commands while they run, line by line. A command writes into pipes that are opened
// for it anew, by their names in /proc; whole lines go to the screen as they come, what is no whole line when the
// command ends follows then.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "cli/output/sink.h"
#include "cli/system/descriptor.h"

namespace prong::cli {

/// Where the files are that a command shall write to.
struct OutputPaths {
  std::string output;
  std::string error_output;
};

class LiveOutput {
 public:
  /// A line that is longer is shown in parts.
  static constexpr std::size_t kLongestLine = 1024 * 1024;

  /// Makes the pipes of a job. `prefix` begins each line. Throws SystemError.
  OutputPaths begin(std::uint64_t number, std::string prefix);

  /// What to sleep with until a job writes something. Good until begin(), show() or end() is called.
  std::span<pollfd> watched();

  using SinkOf = std::function<Sink&(std::uint64_t number)>;
  /// Reads what there is, without waiting, and shows whole lines. Throws what the sinks throw, SystemError.
  void show(const SinkOf& sink_of);

  struct Sizes {
    std::uint64_t output = 0;
    std::uint64_t error_output = 0;
  };
  /// Shows the rest of a job that has ended; what it has left behind is no longer listened to. Returns what was
  /// written.
  Sizes end(std::uint64_t number, const SinkOf& sink_of);

 private:
  struct Stream {
    Descriptor reading;
    Descriptor writing;  ///< kept open, so that a next attempt finds it
    bool is_error = false;
    std::string pending{};  ///< of the line that has not ended
    std::uint64_t size = 0;
  };
  struct Job {
    std::string prefix;
    std::array<Stream, 2> streams;
  };

  static Stream make_stream(bool is_error);
  void take_all(Job& job, Stream& stream, const std::function<Sink&()>& sink);
  void take(Job& job, Stream& stream, std::string_view bytes, const std::function<Sink&()>& sink);
  static void put(const Job& job, const Stream& stream, std::string_view lines, Sink& sink);
  void leave(Stream& stream);
  void drop_what_nobody_waits_for();

  std::map<std::uint64_t, Job> jobs_;
  std::vector<Descriptor> left_;  // what processes write that ended jobs have left behind is read, so that they go on
  std::vector<pollfd> watched_;
  std::string buffer_;
};

}  // namespace prong::cli
