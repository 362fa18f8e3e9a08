// The shared-memory form of a channel. Specified in docs/channel-format.md; change both together, and kVersion.
//
//   offset     size    what                     written by
//   0          64      SegmentHeader            coordinator, once
//   64         64      results taken            coordinator
//   128        64      coordinator's presence   coordinator
//   192        64      results published        worker
//   256        64      worker's presence        worker
//   320        64      doorbell armed           coordinator sets, worker clears
//   384        64      worker sleeps            worker sets, coordinator clears
//   448        64      item area: its head      worker
//   512        256     blocks given back        worker
//   4096       16 KiB  256 request slots        see slot_word.h
//   20480      16 KiB  claims, one per slot     see claim_word.h
//   36864      1 MiB   request arena            coordinator
//   then       1 MiB   result ring              worker
//   then       256 KiB item area                worker
//
// What one side writes often never shares a cache line with what the other side writes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ipc/frames.h"
#include "ipc/slot_word.h"

namespace prong::ipc {

inline constexpr std::uint64_t kMagic = 0x314e4843474e5250;  // "PRNGCHN1" in memory
inline constexpr std::uint32_t kVersion = 5;
inline constexpr std::size_t kSlotCount = 256;
inline constexpr std::size_t kRequestArenaSize = 1 << 20;
inline constexpr std::size_t kResultRingSize = 1 << 20;
inline constexpr std::size_t kRecordAlignment = 64;
inline constexpr std::uint32_t kCopiedBlock = 1U << 31;  ///< beside a block's id that is given back: see BlockState
inline constexpr std::int32_t kAsleep = -1;              ///< in place of a CPU

using SharedU32 = std::atomic<std::uint32_t>;
using SharedI32 = std::atomic<std::int32_t>;
using SharedU64 = std::atomic<std::uint64_t>;
using SharedI64 = std::atomic<std::int64_t>;
static_assert(SharedU32::is_always_lock_free && SharedU64::is_always_lock_free, "locks would be private memory");
static_assert(sizeof(SharedU32) == 4 && sizeof(SharedI32) == 4 && sizeof(SharedU64) == 8 && sizeof(SharedI64) == 8);

struct SegmentHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t slot_count;
  std::uint64_t segment_size;
  std::uint64_t slots_offset;
  std::uint64_t request_arena_offset;
  std::uint64_t request_arena_size;
  std::uint64_t result_ring_offset;
  std::uint64_t result_ring_size;
};
static_assert(sizeof(SegmentHeader) == 64);

/// What a request is, in its slot. The coordinator writes it and never reads it back.
struct RequestRecord {
  std::uint64_t sequence;
  std::uint64_t job;
  std::uint64_t block_size;
  std::uint32_t attempt;
  std::uint32_t block;
  std::uint32_t offset;  ///< of the payload in the request arena
  std::uint32_t size;    ///< of the payload
  std::uint16_t kind;
  std::uint16_t zero;
  std::uint32_t crc;  ///< crc32c of the 44 bytes before
};
static_assert(sizeof(RequestRecord) == 48 && offsetof(RequestRecord, crc) == 44);

struct alignas(64) Slot {
  SharedU64 word;
  SharedI64 started_ns;  ///< written by the worker before the word becomes started
  RequestRecord request;
};
static_assert(sizeof(Slot) == 64 && offsetof(Slot, request) == 16);

/// Of the batch in the slot of the same number.
struct alignas(64) Claims {
  SharedU64 word;
  SharedI64 started_ns;    ///< written by the worker before it claims an item; 0 if nobody wants to know
  SharedU32 wants_starts;  ///< written by the coordinator with the request
};
static_assert(sizeof(Claims) == 64);

/// The head of a record in the result ring; its payload follows, and the next record at the next multiple of 64.
struct ResultRecord {
  std::uint64_t position;  ///< where it stands, so that an old record is never taken for a new one
  std::uint64_t sequence;  ///< of the request
  std::int64_t started_ns;
  std::int64_t ended_ns;
  std::uint64_t block_size;  ///< kSkip: bytes from here to the end of the ring
  std::uint64_t output_end;
  std::uint64_t error_output_end;
  std::int64_t cpu_ns;       ///< -1: not known
  std::int64_t peak_memory;  ///< bytes; -1: not known
  std::uint32_t block;
  std::uint32_t size;  ///< of the payload
  std::int32_t code;
  std::uint16_t kind;  ///< a ResultKind, or kSkip
  std::uint16_t flags;
  std::uint32_t payload_crc;  ///< crc32c of the payload
  std::uint32_t crc;          ///< crc32c of the 92 bytes before

  static constexpr std::uint16_t kSkip = 0xFFFF;       ///< nothing: the next record is at the start of the ring
  static constexpr std::uint16_t kOutputsSpent = 0x1;  ///< in flags
};
static_assert(sizeof(ResultRecord) == 96 && offsetof(ResultRecord, crc) == 92);

struct alignas(64) CoordinatorProgress {
  SharedU64 results_taken;  ///< position up to which the coordinator has taken results
};

struct alignas(64) Presence {
  SharedI32 cpu;              ///< where the process was last seen running, or kAsleep
  SharedU32 longest_spin_ns;  ///< the coordinator's: how long the worker may spin; 0 where that never pays
};

struct alignas(64) WorkerProgress {
  SharedU64 results_published;  ///< position up to which results are complete
  SharedU64 space_wanted;       ///< while waits_for_space: the value of results_taken that makes enough room
};

struct alignas(64) Doorbell {
  SharedU32 armed;  ///< 0: not armed; n: ring once at most n-1 requests are unstarted
};

struct alignas(64) Sleepers {
  SharedU32 sleeps;           ///< futex word: 1 while the worker sleeps, or is about to, for a request
  SharedU32 waits_for_space;  ///< futex word: 1 while it waits, or is about to, for room in the result ring
};

/// Results of the batch `sequence` that are not in the ring yet: of so many items from `first` on, so many bytes.
struct alignas(64) ItemAreaHead {
  SharedU64 done;  ///< items << 32 | bytes, written after all else
  SharedU64 sequence;
  SharedU32 first;
  SharedU32 crc;         ///< crc32c of the bytes
  SharedU32 crc_before;  ///< without the last item, which may be meant by `crc` and not yet by `done`
};

/// What became of the blocks of requests, by the number of their lease: the id of the last one that was given back.
struct alignas(64) BlockReturns {
  std::array<SharedU32, kLeases> ids;
};
static_assert(sizeof(BlockReturns) == 256);

struct alignas(4096) ChannelLayout {
  SegmentHeader header;
  CoordinatorProgress coordinator;
  Presence coordinator_presence;
  WorkerProgress worker;
  Presence worker_presence;
  Doorbell doorbell;
  Sleepers sleepers;
  ItemAreaHead item_area_head;
  BlockReturns block_returns;
  alignas(4096) std::array<Slot, kSlotCount> slots;
  alignas(4096) std::array<Claims, kSlotCount> claims;
  alignas(4096) std::array<std::byte, kRequestArenaSize> request_arena;
  std::array<std::byte, kResultRingSize> result_ring;
  std::array<std::byte, kInlineLimit> item_area;

  Slot& slot_of(std::uint64_t sequence) noexcept { return slots[sequence % kSlotCount]; }
  Claims& claims_of(std::uint64_t sequence) noexcept { return claims[sequence % kSlotCount]; }
};
static_assert(offsetof(ChannelLayout, coordinator) == 64);
static_assert(offsetof(ChannelLayout, coordinator_presence) == 128);
static_assert(offsetof(ChannelLayout, worker) == 192);
static_assert(offsetof(ChannelLayout, worker_presence) == 256);
static_assert(offsetof(ChannelLayout, doorbell) == 320);
static_assert(offsetof(ChannelLayout, sleepers) == 384);
static_assert(offsetof(ChannelLayout, item_area_head) == 448);
static_assert(offsetof(ChannelLayout, block_returns) == 512);
static_assert(offsetof(ChannelLayout, slots) == 4096);
static_assert(offsetof(ChannelLayout, claims) == 20480);
static_assert(offsetof(ChannelLayout, request_arena) == 36864);
static_assert(offsetof(ChannelLayout, result_ring) == 36864 + kRequestArenaSize);
static_assert(offsetof(ChannelLayout, item_area) == 36864 + kRequestArenaSize + kResultRingSize);
static_assert(sizeof(ChannelLayout) == 36864 + kRequestArenaSize + kResultRingSize + kInlineLimit);

constexpr std::uint64_t align_record(std::uint64_t size) noexcept {
  return (size + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

/// Bytes from `position` to the end of the result ring.
constexpr std::uint64_t to_ring_end(std::uint64_t position) noexcept {
  return kResultRingSize - position % kResultRingSize;
}

/// Where a record may begin: too few bytes before the end of the ring to hold its head are passed over by both sides.
constexpr std::uint64_t record_start(std::uint64_t position) noexcept {
  return to_ring_end(position) < sizeof(ResultRecord) ? position + to_ring_end(position) : position;
}

/// Its crc field is set by seal(); intact() says whether it still fits the rest.
template <typename Record>
void seal(Record& record) noexcept;
template <typename Record>
bool intact(const Record& record) noexcept;

/// Coordinator: the header of a new segment, which is all zeros otherwise.
void write_header(ChannelLayout& layout) noexcept;
/// Worker: whether this is a segment that it understands.
bool check_header(const ChannelLayout& layout) noexcept;

}  // namespace prong::ipc
