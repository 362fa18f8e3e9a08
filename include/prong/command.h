// Command: a program to run, for pools of kind StartKind::kCommand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prong/payload.h"

namespace prong {

/// What becomes of a command's standard output or error.
enum class Capture : std::uint8_t {
  kKeep,     ///< captured in Attempt::output / error_output, at any size
  kInherit,  ///< goes where the program's own goes
  kDiscard,  ///< goes to /dev/null
  kMerge,    ///< standard error only: goes where standard output goes
  kFile,     ///< is appended to a file, which is made if there is none
};

struct Command {
  std::vector<std::string> arguments{};  ///< arguments[0] is looked up in PATH if it has no '/'
  std::string directory{};               ///< empty: the pool's
  /// Whole environment ("NAME=value"); unset: inherited. PRONG_JOB and PRONG_ATTEMPT are added.
  std::optional<std::vector<std::string>> environment{};
  std::uint64_t number = 0;            ///< what PRONG_JOB says; 0: the job's number in its pool
  std::optional<std::string> input{};  ///< standard input; unset: /dev/null
  Capture output = Capture::kKeep;
  Capture error_output = Capture::kKeep;
  /// Of kFile: the path, from the pool's folder on. It is opened anew for each attempt.
  std::string output_file{};
  std::string error_output_file{};
};

/// The payload of a job that runs `command`.
Payload encode(const Command& command);
/// The same with `input` as its standard input, which is not copied here. Requires a payload in a segment.
Payload encode(const Command& command, Payload input);
/// Throws UsageError on bytes that encode() did not make.
Command decode_command(ByteSpan bytes);

}  // namespace prong
