// CRC-32C (Castagnoli) over short records. Either process.
#pragma once

#include <cstdint>

#include "prong/payload.h"

namespace prong::ipc {

/// By the processor's instruction where it has one (x86-64 with SSE4.2), else by a table.
/// `before`: of the bytes that stand before these, for a checksum of all.
std::uint32_t crc32c(ByteSpan bytes, std::uint32_t before = 0) noexcept;

/// For tests: always by the table.
std::uint32_t crc32c_by_table(ByteSpan bytes, std::uint32_t before = 0) noexcept;

}  // namespace prong::ipc
