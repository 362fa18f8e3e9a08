// The files that take what commands write, and payloads that lie in such files. Coordinator process.
#pragma once

#include <cstdint>

#include "os/fd.h"
#include "prong/payload.h"

namespace prong::pool {

/// An empty file for the output of commands: without a name in $TMPDIR (else /tmp), so that no output is too large for
/// memory; in memory where there can be none. Throws SystemError.
os::Fd create_output_file(const char* name);

/// The first `size` bytes of an output file, or what there is of them. Large ones stay in their file, and are read when
/// they are asked for. Empty if it fits neither into memory nor into the descriptors of this process.
Payload read_output(const os::Fd& file, std::uint64_t size);

}  // namespace prong::pool
