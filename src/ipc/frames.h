// Frames: what travels in a channel, as private values. Their shared-memory form is in channel_layout.h and
// docs/channel-format.md. Either process.
#pragma once

#include <cstdint>
#include <string>

#include "prong/payload.h"

namespace prong::ipc {

/// Payloads up to this size travel inside the ring; larger ones in a block (a memfd of their own).
inline constexpr std::size_t kInlineLimit = 256 * 1024;

/// Blocks of requests that a worker may have at a time and give back. Numbered from 1.
inline constexpr std::uint16_t kLeases = 64;

/// What the coordinator can know of a block that it has lent.
enum class BlockState {
  kLent,
  kReturned,
  kCopied,  ///< returned, but what a job has forked may have it still
};

enum class RequestKind : std::uint16_t {
  kDefine = 1,  ///< `job` is the definition's id
  kInitialize,
  kRun,
  kFinish,   ///< run the finalizer (payload; may be empty), then end the process with status 0
  kBatch,    ///< items `first_item` to `end_item` of the payload, one after another
  kForget,   ///< `job` is the id of a definition that no later job needs
  kRelease,  ///< nothing is to be done with its blocks, and those before them
};

struct Request {
  std::uint64_t sequence = 0;  ///< set by the channel
  RequestKind kind = RequestKind::kRun;
  std::uint64_t job = 0;
  std::uint32_t attempt = 0;
  std::uint32_t block = 0;       ///< id of its blocks; 0: it has none
  std::uint64_t block_size = 0;  ///< of the payload, in the first block; 0: it is inline, all blocks are attachments
  ByteSpan bytes{};              ///< inline payload
  std::uint32_t first_item = 0;  ///< kBatch; the coordinator alone knows the three
  std::uint32_t end_item = 0;
  bool wants_starts = false;  ///< when each item begins is to be known
};

enum class ResultKind : std::uint16_t {
  kReturned = 1,
  kRaised,      ///< payload: encoded by encode_raised (base/codec.h)
  kExited,      ///< commands: `code`
  kSignalled,   ///< commands: `code` is the signal
  kNotStarted,  ///< commands: `code` is an errno, payload the text of what was tried
  kNeedBlock,   ///< not an end: the worker waits for a block of `block_size` bytes for the result of `sequence`
  kItems,       ///< not an end: results of the next `code` items of a batch; kReturned has those of the last ones
};

struct Result {
  std::uint64_t sequence = 0;  ///< of the request that this answers
  ResultKind kind = ResultKind::kReturned;
  std::int32_t code = 0;
  std::int64_t started_ns = 0;
  std::int64_t ended_ns = 0;
  std::uint32_t block = 0;
  std::uint64_t block_size = 0;
  /// Commands: sizes of this job's standard output and error, which begin at the start of their files. `outputs_spent`
  /// false: they stand in `bytes`, one after the other, and the worker has emptied the files; true: they are in the
  /// files, and the worker needs new ones before its next job.
  std::uint64_t output_end = 0;
  std::uint64_t error_output_end = 0;
  bool outputs_spent = false;
  std::int64_t cpu_ns = -1;       ///< what the request took of CPU time; -1: not known
  std::int64_t peak_memory = -1;  ///< bytes; -1: not known
  std::string bytes;              ///< inline payload, copied out of the ring
};

}  // namespace prong::ipc
