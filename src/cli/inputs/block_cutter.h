// BlockCutter: cuts what is read into blocks of whole records, for --pipe.
//
// Records are told apart where the end of one and the start of the next meet: "\n" and "" by default. A block has as
// many of them as fit into its size, or one, or with `records` so many, whatever their size.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "cli/inputs/records.h"

namespace prong::cli {

struct BlockRules {
  std::size_t bytes = std::size_t{1} << 20;
  std::string record_end = "\n";
  std::string record_start{};  ///< both empty: blocks end anywhere
  std::size_t records = 0;     ///< in each block; 0: as many as fit
};

class BlockCutter final : public Records {
 public:
  explicit BlockCutter(const BlockRules& rules);

  void append(std::string_view bytes) override { bytes_ += bytes; }
  void end() override { ended_ = true; }
  bool has_record() const override { return find_cut() != 0; }
  bool take(Values& values) override;
  std::size_t size() const override { return bytes_.size(); }
  std::unique_ptr<Records> another() const override { return std::make_unique<BlockCutter>(rules_); }

 private:
  std::size_t find_cut() const;
  std::size_t cut_by_size() const;
  std::size_t cut_by_count() const;
  std::size_t next_border(std::size_t from) const;

  BlockRules rules_;
  std::string border_;  ///< the end of a record, and the start of the next one
  std::string bytes_;
  bool ended_ = false;
  mutable std::size_t searched_ = 0;  ///< no border lies between the place of the last one that counts and here
  mutable std::size_t counted_ = 0;   ///< records before that
  mutable std::size_t last_ = 0;      ///< where the last of those ends
};

}  // namespace prong::cli
