// ResultReader: takes records out of a result ring that a worker may have damaged. Every record is copied to private
// memory, then checked, then used. Coordinator.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/channel_layout.h"

namespace prong::ipc {

class ResultReader {
 public:
  enum class Read { kRecord, kEmpty, kDamaged };

  /// Looks at the next record. After kRecord: record() and copy_payload() are valid until advance().
  Read look(ChannelLayout& layout) noexcept;
  const ResultRecord& record() const noexcept { return record_; }
  /// False if it is not what the worker wrote.
  bool copy_payload(const ChannelLayout& layout, std::string& into) const;
  /// Passes over the record that was looked at. Returns the position to publish.
  std::uint64_t advance() noexcept;

  bool waiting(const ChannelLayout& layout) const noexcept {
    return layout.worker.results_published.load(std::memory_order_seq_cst) != taken_;
  }
  std::uint64_t taken() const noexcept { return taken_; }

 private:
  bool copy_record(const ChannelLayout& layout, std::uint64_t published) noexcept;
  bool skip(std::uint64_t published) noexcept;
  bool payload_fits(std::uint64_t published) const noexcept;

  std::uint64_t taken_ = 0;     ///< never read back from shared memory
  std::uint64_t position_ = 0;  ///< of record_
  ResultRecord record_{};
};

}  // namespace prong::ipc
