#include "cli/inputs/block_cutter.h"

#include <algorithm>
#include <utility>

namespace prong::cli {
namespace {

constexpr std::size_t kNone = std::string::npos;

}  // namespace

BlockCutter::BlockCutter(const BlockRules& rules) : rules_(rules), border_(rules.record_end + rules.record_start) {}

/// Where a block that begins the bytes ends; 0: that is not known yet.
std::size_t BlockCutter::find_cut() const {
  if (bytes_.empty()) return 0;
  const std::size_t cut = rules_.records > 0 ? cut_by_count() : cut_by_size();
  return cut == 0 && ended_ ? bytes_.size() : cut;
}

/// The first border after `from`, as the place where the next record begins; never the beginning of all.
std::size_t BlockCutter::next_border(std::size_t from) const {
  const std::size_t end = rules_.record_end.size();
  const std::size_t least = end == 0 ? 1 : 0;
  const std::size_t found = bytes_.find(border_, std::max(from, least));
  return found == kNone ? kNone : found + end;
}

std::size_t BlockCutter::cut_by_size() const {
  const std::size_t end = rules_.record_end.size();
  const std::size_t start = rules_.record_start.size();
  const std::size_t needed = rules_.bytes + start;  // to see whether a record begins behind a full block
  if (bytes_.size() < needed && !(ended_ && bytes_.size() > rules_.bytes)) return 0;
  if (border_.empty()) return rules_.bytes;
  if (searched_ == 0 && rules_.bytes >= end) {
    const std::size_t last = bytes_.rfind(border_, rules_.bytes - end);
    if (last != kNone && last + end > 0) return last + end;
  }
  // A record that is longer than a block is one.
  const std::size_t from = std::max(searched_, rules_.bytes - std::min(rules_.bytes, end));
  const std::size_t next = next_border(from);
  if (next != kNone) return next;
  searched_ = bytes_.size() - std::min(bytes_.size(), border_.size() - 1);
  return 0;
}

std::size_t BlockCutter::cut_by_count() const {
  if (border_.empty()) return bytes_.size() < rules_.records ? 0 : rules_.records;
  while (counted_ < rules_.records) {
    const std::size_t next = next_border(searched_);
    if (next == kNone) {
      searched_ = std::max(last_, bytes_.size() - std::min(bytes_.size(), border_.size() - 1));
      return 0;
    }
    ++counted_;
    last_ = next;
    // The start of a record may be the end of none.
    searched_ = rules_.record_end.empty() ? next + 1 : next;
  }
  return last_;
}

/// The block takes the memory over; what is behind it is less than a block.
bool BlockCutter::take(Values& values) {
  const std::size_t cut = find_cut();
  if (cut == 0) return false;
  std::string rest(bytes_, cut);
  bytes_.resize(cut);
  values.resize(1);
  values.front() = std::exchange(bytes_, std::move(rest));
  searched_ = counted_ = last_ = 0;
  return true;
}

}  // namespace prong::cli
